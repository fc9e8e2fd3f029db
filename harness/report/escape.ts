/**
 * Characters that act instead of being shown: C0 and C1 controls with the terminal's escapes, line and
 * paragraph separators, marks that turn the direction of text, and halves of a surrogate pair.
 */
const acting =
  // oxlint-disable-next-line no-control-regex -- finding control characters is what it is for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;

/** A string of the guest for one line of a terminal: what would act is shown as `\x1b` or `\u202e`. */
export function escapeTerminal(text: string): string {
  return text.replaceAll(acting, (character) => {
    const hex = character.charCodeAt(0).toString(16);
    return hex.length > 2 ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`;
  });
}

const entities: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A string of the guest inside a line or table cell of GitHub Markdown: neither HTML nor markup. */
export function escapeMarkdown(text: string): string {
  return escapeTerminal(text)
    .replaceAll(/[\\`*_{}[\]|~#!]/g, (character) => `\\${character}`)
    .replaceAll(/[<>&]/g, (character) => entities[character] ?? character);
}

/** A string of the guest as text of HTML or XML, or the value of a quoted attribute; XML 1.0 has no control characters. */
export const escapeXml = (text: string): string =>
  escapeTerminal(text).replaceAll(/[<>&"']/g, (character) => entities[character] ?? character);

/**
 * A value as JSON in which nothing acts on a terminal: JSON's own escapes leave out what is beyond ASCII. Reads back
 * as the same value.
 */
export const escapeJson = (value: unknown, indent = 2): string =>
  JSON.stringify(value, null, indent).replaceAll(acting, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** A field of CSV (RFC 4180), quoted where it must be. */
export const quoteCsv = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** A string of the guest as a field of CSV; one that a spreadsheet would run as a formula gets an apostrophe in front. */
export function escapeCsv(text: string): string {
  const shown = escapeTerminal(text);
  return quoteCsv(/^[=+\-@]/.test(shown) ? `'${shown}` : shown);
}
