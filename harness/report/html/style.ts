/** The style sheet of the pages: light, dark and print. The colours of rates are in the script. */
export const style = `
:root { color-scheme: light dark; --ink: #1c2530; --paper: #fff; --soft: #5a6675; --line: #d9dfe6; --rows: #f5f7f9;
  --works: #0b6b3a; --fails: #a5182b; --accent: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --paper: #14191f; --soft: #a3afbd; --line: #333d48;
  --rows: #1b222a; --works: #6fd69d; --fails: #ff8d98; --accent: #7db8f2; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; padding: 1.75rem 2rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; } h3 { font-size: .95rem; margin: 1.4rem 0 .4rem; }
h4 { font-size: .9rem; margin: .8rem 0 .1rem; } p { margin: .3rem 0; }
a { color: var(--accent); } .soft, dt, .legend, figcaption { color: var(--soft); }
:focus-visible { outline: 2.5px solid var(--accent); outline-offset: 2px; }
.badge { font-weight: 600; border: 1.5px solid; border-radius: 1rem; padding: 0 .6rem; margin-right: .3rem; }
.works { color: var(--works); } .fails { color: var(--fails); }
.facts { display: flex; flex-wrap: wrap; gap: .35rem 2rem; margin: .7rem 0 0; } .facts dt { font-size: .8rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.filters { margin: 1.2rem 0 0; border-block: 1px solid var(--line); padding: .45rem 0; }
summary { cursor: pointer; font-weight: 600; }
fieldset { border: 0; margin: .35rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem .45rem; }
legend { float: left; width: 5.5rem; color: var(--soft); font-size: .85rem; padding: .1rem 0 0; }
label { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .65rem 0 .45rem; font-size: .85rem; cursor: pointer; }
label:has(:checked) { border-color: var(--accent); background: color-mix(in srgb, var(--accent) 14%, transparent); }
label input { margin: 0 .35rem 0 0; accent-color: var(--accent); vertical-align: -1px; }
.legend { font-size: .85rem; margin: .9rem 0 .3rem; } .empty { padding: 2rem 0; }
.swatch { display: inline-block; min-width: 1.9rem; text-align: center; font-size: .78rem; margin-right: 2px;
  border-radius: 3px; padding: 0 .2rem; }
.columns { display: flex; gap: 2rem; align-items: flex-start; }
.maps { flex: 1 1 0; min-width: 0; display: flex; flex-wrap: wrap; gap: .4rem 2.4rem; align-items: flex-start; }
.map { max-width: 100%; } .scroll { overflow-x: auto; padding: 3px; }
.map table { border-collapse: separate; border-spacing: 2px; }
.map th { font-weight: 400; font-size: .82rem; text-align: left; padding: 0 .5rem 0 0; white-space: nowrap; }
.map thead th { vertical-align: bottom; padding: 0 0 .25rem; height: 1px; }
.map thead span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 9rem; overflow: hidden;
  display: inline-block; line-height: 1.1; }
.map small { display: block; color: var(--soft); font-size: .72rem; }
.map td { padding: 0; } .map thead th { text-align: center; }
.cell, .swatch.none { position: relative; }
.cell { display: block; width: 2.7rem; height: 1.85rem; line-height: 1.6rem; text-align: center; font-size: .82rem;
  text-decoration: none; border-radius: 3px; }
.interval { position: absolute; bottom: 3px; height: 2px; background: currentColor; opacity: .55; border-radius: 1px; }
.cell[data-mark]::after { content: attr(data-mark); position: absolute; top: -3px; right: 4px; font-size: .65rem; }
.none { color: var(--soft); border: 1px dashed var(--line);
  background: repeating-linear-gradient(135deg, var(--rows) 0 4px, transparent 4px 8px); }
.failed { box-shadow: inset 0 0 0 2px var(--fails), inset 0 0 0 3px var(--paper); font-weight: 700; }
.error { color: var(--fails); }
.cell[aria-current] { outline: 2.5px solid var(--ink); outline-offset: 1px; }
aside { flex: 0 0 31rem; position: sticky; top: 1rem; max-height: calc(100vh - 2rem); overflow-y: auto;
  border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.3rem 1.4rem; background: var(--paper); }
.close { float: right; text-decoration: none; font-size: 1.1rem; padding: 0 .4rem; color: var(--soft); }
.figure { margin: .7rem 0 .2rem; } .big { font-size: 1.5rem; font-weight: 600; margin-right: .4rem; }
.curve { margin: .6rem 0 0; } .curve figcaption { font-size: .8rem; } svg { display: block; width: 100%; height: auto; }
.curve figcaption > :first-child { display: block; }
.key { display: inline-flex; align-items: center; gap: .3rem; margin-right: .9rem; color: var(--ink); }
.key svg { width: 26px; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } .domain { stroke: none; }
.tick line { stroke: var(--line); } .kernel line { stroke: var(--soft); stroke-dasharray: 3 3; }
.panel dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .9rem; margin: .3rem 0 0; font-size: .88rem; }
pre { background: var(--rows); border-radius: 5px; padding: .55rem .7rem; margin: .35rem 0; overflow: auto; max-height: 20rem;
  font: 12px/1.45 ui-monospace, monospace; }
.command { white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; }
.cause p { font-size: .88rem; } .notes { margin-top: 2.2rem; } .notes details { border-top: 1px solid var(--line); padding: .4rem 0; }
.notes ul { margin: .4rem 0; padding-left: 1.2rem; font-size: .88rem; overflow-wrap: anywhere; }
.trends { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1.6rem 2.4rem; margin-top: 1.4rem; }
.trend h2 { font-size: .95rem; } .trend details { font-size: .85rem; } .trend summary { font-weight: 400; color: var(--soft); }
.numbers th, .numbers td { text-align: left; padding: .1rem 1rem .1rem 0; font-weight: 400; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 1099px) { .columns { flex-direction: column-reverse; } aside { position: static; flex: none; width: 100%;
  max-height: none; } body { padding: 1.2rem 1rem 3rem; } }
@media print { .filters, aside { display: none; } .cell { print-color-adjust: exact; } body { padding: 0; } }
`;
