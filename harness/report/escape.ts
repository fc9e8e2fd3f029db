/**
 * Characters that have an effect instead of being shown: C0 and C1 controls including terminal escapes, line and
 * paragraph separators, marks that change the direction of text, and lone surrogates.
 */
const acting =
  // oxlint-disable-next-line no-control-regex -- finding control characters is what it is for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;

/** Escapes a string of the guest for one line of a terminal: control characters are shown as `\x1b` or `\u202e`. */
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

/** Escapes a string of the guest for a line or table cell of GitHub Markdown: neither HTML nor markup takes effect. */
export function escapeMarkdown(text: string): string {
  return escapeTerminal(text)
    .replaceAll(/[\\`*_{}[\]|~#!]/g, (character) => `\\${character}`)
    .replaceAll(/[<>&]/g, (character) => entities[character] ?? character);
}

/**
 * Escapes a string of the guest for text or a quoted attribute in HTML or XML; XML 1.0 allows no control characters.
 */
export const escapeXml = (text: string): string =>
  escapeTerminal(text).replaceAll(/[<>&"']/g, (character) => entities[character] ?? character);

/**
 * A value as JSON that is safe to show on a terminal: JSON's own escaping ignores characters beyond ASCII. Parses to
 * the same value.
 */
export const escapeJson = (value: unknown, indent = 2): string =>
  JSON.stringify(value, null, indent).replaceAll(acting, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** A CSV field (RFC 4180), quoted where necessary. */
export const quoteCsv = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** A string of the guest as a CSV field; one that a spreadsheet would run as a formula gets a leading apostrophe. */
export function escapeCsv(text: string): string {
  const shown = escapeTerminal(text);
  return quoteCsv(/^[=+\-@]/.test(shown) ? `'${shown}` : shown);
}
