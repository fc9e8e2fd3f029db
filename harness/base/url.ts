/** A URL without credentials, which fetch refuses in a URL; they are in a header instead. */
export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Moves the credentials of a valid URL into a header. */
export function toTarget(text: string): Target {
  const url = new URL(text);
  const { username, password } = url;
  if (username === '' && password === '') return { url: text, headers: {} };
  url.username = '';
  url.password = '';
  const pair = `${decode(username)}:${decode(password)}`;
  return { url: url.href, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

/** Text with a lone %, which cannot be decoded, stays as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Strips user names, passwords and queries (often keys) from all URLs in a text for display. */
export const withoutSecrets = (text: string): string =>
  text.replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)([^\s/?#]*@)?([^\s?#]*)(\?[^\s#]*)?/gi, (...match) => {
    const [, scheme = '', , rest = '', query] = match as (string | undefined)[];
    return `${scheme}${rest}${query === undefined ? '' : '?...'}`;
  });
