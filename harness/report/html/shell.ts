import { createHash } from 'node:crypto';
import { escapeXml } from '../escape.ts';
import type { PageData } from './data.ts';
import { style } from './style.ts';

/**
 * A self-contained page with its style, script and data. Its content security policy lets nothing else run or be
 * fetched, and the page inserts data only as text.
 */
export function htmlPage(data: PageData, script: string): string {
  const policy = [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  // an unescaped `<` would let a string of the guest end the element
  const json = JSON.stringify(data).replaceAll('<', String.raw`\u003c`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeXml(data.title)} - frostline</title>
<style>${style}</style>
</head>
<body>
<noscript>This page draws its data by a script of its own, which is switched off here.</noscript>
<script type="application/json" id="data">${json}</script>
<script>${script}</script>
</body>
</html>
`;
}

const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
