import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare } from '../analyse/compare.ts';
import { compatibility } from '../analyse/compatibility.ts';
import { judge } from '../analyse/expect.ts';
import { explainRecords } from '../analyse/explain.ts';
import { summarise } from '../analyse/summarise.ts';
import { cellName, type Summary } from '../analyse/summary.ts';
import { sampleRecord } from '../record/sample.ts';
import type { TrialRecord } from '../record/schema.ts';
import { jsonComparison } from './compare/json.ts';
import { markdownComparison } from './compare/markdown.ts';
import { terminalComparison } from './compare/terminal.ts';
import { compatibilityHtml } from './compatibility-html.ts';
import { compatibilityMarkdown } from './compatibility.ts';
import { csvReport } from './csv.ts';
import { escapeJson } from './escape.ts';
import { explainReport } from './explain.ts';
import { csvLine } from './history/values.ts';
import { terminalTable } from './history/table.ts';
import { jsonReport } from './json.ts';
import { junitReport } from './junit.ts';
import { markdownReport } from './markdown.ts';
import { tapReport } from './tap.ts';
import { terminalReport } from './terminal.ts';

/** Records with these words wherever a guest can supply any. */
function recordsSaying(words: string): TrialRecord[] {
  const cell = 'debian-12/v1/none/mt-exec-storm/single';
  const guest = { release: words, cgroup: 'v1', cpus: 1, runtime: words } as const;
  const blockers = [{ pid: 1, comm: words, state: 'D', wchan: words, syscall: 59, stack: [words] }];
  const tool = { name: words, version: words, code: 1, ok: false, us: 1, error: words };
  const change = { guest, blockers, tool, states: [[0, words]] as [number, string][], reason: words };
  const of = (trial: number, outcome: TrialRecord['outcome']): TrialRecord =>
    sampleRecord({ cell, trial, outcome, frozenUs: null, ...change });
  const steps = [{ step: 0, ok: false, us: 1, what: words, expected: words, found: words }];
  return [
    ...(['not-frozen', 'kernel-crash', 'lab-error', 'false-frozen', 'unsupported'] as const).map(
      (outcome, i) => of(i, outcome),
    ),
    sampleRecord({
      cell: 'debian-12/v1/none/ltp.freeze/sequence',
      trial: 0,
      outcome: 'failed',
      steps,
      ...change,
    }),
  ];
}

async function summaryOf(records: readonly TrialRecord[]): Promise<Summary> {
  const run = { id: 'r', name: 'n', started: null, status: 'finished', trials: 5, lab: null } as const;
  const cells = [...new Set(records.map(({ cell }) => cell))].map(cellName);
  return summarise({ run, cells, records });
}

/** Every report format, with these words in it. */
async function formatsSaying(words: string): Promise<Record<'plain' | 'markup', Record<string, string>>> {
  const records = recordsSaying(words);
  const summary = await summaryOf(records);
  const judged = judge(summary, []);
  const comparison = compare(await summaryOf(recordsSaying('another')), summary, 0.1);
  const kernels = compatibility([{ summary, matrix: undefined }]);
  const explained = await explainRecords(records, () => true);
  return {
    plain: {
      terminal: terminalReport(summary, judged, { colour: false, width: 100 }),
      csv: csvReport(summary, judged),
      tap: tapReport(summary, judged),
      json: jsonReport(summary, judged),
      'explain terminal': explainReport(explained),
      'explain json': escapeJson(explained),
      'compare terminal': terminalComparison(comparison, { colour: false }),
      'compare json': jsonComparison(comparison),
      'release json': escapeJson(kernels),
      'history terminal': terminalTable(['words'], [[words], [[words]]], 80),
      'history csv': csvLine([words, [words], { words }]),
    },
    markup: {
      markdown: markdownReport(summary, judged),
      junit: junitReport(summary, judged),
      'compare markdown': markdownComparison(comparison),
      'release markdown': compatibilityMarkdown(kernels, [summary.run]),
      'release html': compatibilityHtml(kernels, [summary.run]),
    },
  };
}

const acting = /[^\P{Cc}\r\n]|[\p{Bidi_Control}\p{Zl}\p{Zp}]/u;

describe('whatever a guest calls its processes, kernel and steps', () => {
  it('acts in no format: no escape of a terminal, no line of its own', async () => {
    const lines = async (words: string): Promise<unknown[]> => {
      const { plain, markup } = await formatsSaying(words);
      return Object.entries({ ...plain, ...markup }).map(([name, text]) => [name, text.split('\n').length]);
    };
    const usual = await lines('x');
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), async (drawn) => {
        const words = `x${drawn}\u001b]0;owned\u0007\u009b31m\u202e\r\n`;
        const { plain, markup } = await formatsSaying(words);
        for (const [name, text] of Object.entries({ ...plain, ...markup }))
          expect([name, acting.exec(text)?.[0]]).toEqual([name, undefined]);
        expect(await lines(words)).toEqual(usual);
      }),
      { numRuns: 30 },
    );
  });

  it('is no element of HTML, Markdown or XML', async () => {
    const { markup } = await formatsSaying('x<img src=x onerror=alert(1)> ]]><script>');
    for (const [name, text] of Object.entries(markup)) {
      expect([name, /<img|<script|\]\]>/.exec(text)?.[0]]).toEqual([name, undefined]);
      expect([name, text.includes('img src=x')]).toEqual([name, true]);
    }
  });

  it('is the same again from JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(escapeJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('is no formula for a spreadsheet, and a number below zero is none either', () => {
    expect(csvLine(['=HYPERLINK("x")', '-1+1', -5])).toBe(`"'=HYPERLINK(""x"")",'-1+1,-5\r\n`);
  });
});
