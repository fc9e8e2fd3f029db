import type { KernelCompatibility, UseVerdict } from '../analyse/compatibility.ts';
import type { RunName } from '../analyse/summary.ts';
import {
  adviceWords,
  badges,
  compatibilityMethod,
  evidenceWords,
  heldWords,
  kernelWords,
  purposeWords,
} from './compatibility.ts';
import { escapeXml } from './escape.ts';

const style = `
:root { color-scheme: light dark; --ink: #1c2530; --paper: #fff; --soft: #5a6675; --line: #d9dfe6; --rows: #f5f7f9;
  --works: #0b6b3a; --unreliable: #8a5300; --fails: #a5182b; --unknown: #4f5b69; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --paper: #14191f; --soft: #a3afbd; --line: #333d48;
  --rows: #1b222a; --works: #6fd69d; --unreliable: #f2b35b; --fails: #ff8d98; --unknown: #b4bfcb; } }
body { margin: 0 auto; max-width: 70rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.9rem; margin: 0 0 .25rem; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .25rem; }
p { margin: .25rem 0 .75rem; } .soft { color: var(--soft); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; font-size: .85rem; } tbody tr:nth-child(odd) { background: var(--rows); }
tbody th { font-weight: 500; } .cgroup { font-family: ui-monospace, monospace; }
.badge { display: inline-block; white-space: nowrap; font-weight: 600; border: 1.5px solid; border-radius: 1rem;
  padding: 0 .6rem; } .works { color: var(--works); } .unreliable { color: var(--unreliable); }
.fails, .crashes { color: var(--fails); } .unknown { color: var(--unknown); }
`;

/** The compatibility report as one HTML page: no script, no external resources, light and dark. */
export function compatibilityHtml(kernels: readonly KernelCompatibility[], runs: readonly RunName[]): string {
  const from = runs.map(({ id }) => escapeXml(id)).join(', ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Which freezes can be relied on</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Which freezes can be relied on</h1>
<p class="soft">Measured by frostline: ${from}</p>
${kernels.length === 0 ? '<p>No cell of these runs has a rate.</p>' : kernels.map(section).join('\n')}
<h2>How this is judged</h2>
<p>${escapeXml(compatibilityMethod)}</p>
</main>
</body>
</html>
`;
}

function section(kernel: KernelCompatibility): string {
  const name = `Linux ${escapeXml(kernel.release)}`;
  const held = heldWords(kernel);
  const table = `<div class="scroll" tabindex="0" role="region" aria-label="${name}">
<table>
<thead><tr><th scope="col">Use</th><th scope="col">cgroup</th><th scope="col">Verdict</th><th scope="col">Seen</th><th scope="col">Advice</th></tr></thead>
<tbody>
${kernel.uses.map(row).join('\n')}
</tbody>
</table>
</div>`;
  return `<section>
<h2>${name}</h2>
<p class="soft">${escapeXml(`${kernel.distros.join(', ')}. ${kernelWords(kernel)}`)}</p>
${kernel.uses.length === 0 ? '' : table}
${held === '' ? '' : `<p>${escapeXml(held)}</p>`}
</section>`;
}

function row(use: UseVerdict): string {
  const { sign, word } = badges[use.verdict];
  return `<tr><th scope="row">${escapeXml(`${purposeWords[use.purpose]}: ${use.name}`)}</th><td class="cgroup">${escapeXml(use.cgroup)}</td><td><span class="badge ${use.verdict}"><span aria-hidden="true">${sign} </span>${word}</span></td><td>${escapeXml(evidenceWords(use))}</td><td>${escapeXml(adviceWords(use))}</td></tr>`;
}
