import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cellStates, stateCodes } from '../analyse/state.ts';
import { Pages } from '../testing/browser.ts';
import { samples, storeSample } from '../testing/states.ts';
import { createProgram } from './program.ts';

/** The output of `frostline report` for a run, and its exit code. */
async function report(dir: string, format: string): Promise<{ out: string; code: number }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let code = 0;
  const { signal } = new AbortController();
  const io = { stdout, stderr, env: {}, signal, setExitCode: (next: number) => (code = next) };
  await createProgram(io, '1.2.3').parseAsync(['node', 'frostline', 'report', dir, '--format', format]);
  return { out: String(stdout.read() ?? ''), code };
}

interface Said {
  readonly state: string | undefined;
  /** Whether a program that reads it would consider the cell good. */
  readonly isGood: boolean;
}

/** The state below the table; the line is missing when every cell is measured. */
const ofNote = (text: string): Said => {
  const [, state = 'measured', code = '0'] = /^(?:- | {2})1 ([a-z-]+): exit code (\d+)$/m.exec(text) ?? [];
  return { state, isGood: code === '0' };
};

/** For each format, how to read the one cell of a run. */
const readers: Readonly<Record<string, (text: string) => Said>> = {
  terminal: ofNote,
  markdown: ofNote,
  json: (text) => {
    const { cells, exitCode } = JSON.parse(text) as { cells: { state: string }[]; exitCode: number };
    return { state: cells[0]?.state, isGood: exitCode === 0 };
  },
  csv: (text) => {
    const [head = '', row = ''] = text.split('\r\n');
    const at = (name: string): string | undefined => row.split(',')[head.split(',').indexOf(name)];
    return { state: at('state'), isGood: at('status') === 'passed' || at('status') === 'skipped' };
  },
  junit: (xml) => ({
    state: /state: ([a-z-]+)/.exec(xml)?.[1],
    isGood: !/<(?:failure|error) /.test(xml) && xml.includes('failures="0" errors="0"'),
  }),
  tap: (text) => ({ state: /state: "([a-z-]+)"/.exec(text)?.[1], isGood: /^ok 1 /m.test(text) }),
};

/** The nightly systemd unit, which says what exit codes count as success. */
const unit = readFileSync(
  new URL('../../scripts/nightly/frostline-nightly.service', import.meta.url),
  'utf8',
);
const successes = new Set(['0', ...(/^SuccessExitStatus=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [])]);

let pages: Pages;
beforeAll(async () => {
  pages = await Pages.open();
});
afterAll(() => pages[Symbol.asyncDispose]());

describe('the state of a cell is the same in every channel', () => {
  it('has a sample for every state', () => {
    expect(new Set(samples.map(({ state }) => state))).toEqual(new Set(cellStates));
  });

  it('is in the reference, with its exit code', () => {
    const readme = readFileSync(new URL('../../docs/reference/outcomes.md', import.meta.url), 'utf8');
    const rows = [...readme.matchAll(/^\| `([a-z-]+)` +\|.*\| (0|1|69) +\|$/gm)];
    expect(Object.fromEntries(rows.map(([, state, code]) => [state, Number(code)]))).toEqual(stateCodes);
  });

  it.each(samples)('$name: $state', async (sample) => {
    const { state } = sample;
    const dir = await storeSample(await mkdtemp(join(tmpdir(), 'frostline-test-')), sample);
    const code = stateCodes[state];
    const isGood = code === 0;
    for (const [format, read] of Object.entries(readers)) {
      const { out, code: found } = await report(dir, format);
      expect({ format, ...read(out), code: found }).toEqual({ format, state, isGood, code });
    }
    expect({ systemd: successes.has(String(code)) }).toEqual({ systemd: isGood });

    const { out, code: found } = await report(dir, 'html');
    expect(found).toBe(code);
    const { page, wrong } = await pages.show(out);
    expect(await page.locator('.verdict .badge.works').count()).toBe(isGood ? 1 : 0);
    await page.click('a[data-cell]');
    expect(await page.textContent('aside .badge')).toBe(state);
    expect(await page.locator('aside .badge.fails').count()).toBe(isGood ? 0 : 1);
    expect(wrong).toEqual([]);
  });
});
