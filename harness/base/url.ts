/** A URL apart from the name and password in it, which fetch refuses to have there: they become a header. */
export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Takes the credentials out of a URL, which must be a valid one. */
export function toTarget(text: string): Target {
  const url = new URL(text);
  const { username, password } = url;
  if (username === '' && password === '') return { url: text, headers: {} };
  url.username = '';
  url.password = '';
  const pair = `${decode(username)}:${decode(password)}`;
  return { url: url.href, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

/** A lone % stays what it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A text for people: no URL in it shows a name, a password, or a query, which often is a key. */
export const withoutSecrets = (text: string): string =>
  text.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)([^\s/?#]*@)?([^\s?#]*)(\?[^\s#]*)?/gi, (...match) => {
    const [, scheme = '', , rest = '', query] = match as (string | undefined)[];
    return `${scheme}${rest}${query === undefined ? '' : '?...'}`;
  });
