import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainRecords } from '../../analyse/explain.ts';
import { judge } from '../../analyse/expect.ts';
import { summarise } from '../../analyse/summarise.ts';
import { cellName, type Summary } from '../../analyse/summary.ts';
import type { Expectation } from '../../matrix/matrix.ts';
import { sampleRecord } from '../../record/sample.ts';
import type { TrialRecord } from '../../record/schema.ts';
import { Pages, seriousFindings } from '../../testing/browser.ts';
import { jsonReport } from '../json.ts';
import { percent, rateWords } from '../words.ts';
import { runPage } from './run.ts';
import { pageScript } from './script.ts';
import { htmlPage } from './shell.ts';
import { trendPage } from './trend.ts';

const evil = '\u001b]0;owned\u0007</script><img src=x onerror="alert(1)"><script>alert(2)</script>\u202e';
const distros = ['debian-11', 'debian-12', 'debian-13', '<img src=x onerror=alert(3)>\u202e'];
const strategies = ['single', 'runc'];
const cells = distros.flatMap((distro) =>
  ['sleep', 'mt-exec-storm', 'nbd-dead'].flatMap((workload) =>
    ['v1', 'v2'].flatMap((cgroup) =>
      strategies.map((strategy) => [distro, cgroup, 'none', workload, strategy].join('/')),
    ),
  ),
);

/** Ten trials in five boots: `sleep` always freezes, `single` loses some of the storm, and no kernel supports nbd. */
function trials(cell: string, index: number): TrialRecord[] {
  const { workload, strategy } = cellName(cell);
  const lost = workload === 'mt-exec-storm' && strategy === 'single' ? 1 + (index % 7) : 0;
  return Array.from({ length: 10 }, (_, trial) => {
    const base = { cell, trial, machine: { ...sampleRecord().machine, boot: `b${trial % 5}` } };
    if (workload === 'nbd-dead')
      return sampleRecord({ ...base, outcome: 'unsupported', reason: evil, frozenUs: null });
    if (trial >= lost) return sampleRecord({ ...base, frozenUs: 1000 * (trial + 1) });
    const blockers = [
      { pid: 7, comm: evil, state: 'D', wchan: 'begin_new_exec', syscall: 59, stack: [evil] },
    ];
    return sampleRecord({ ...base, outcome: 'not-frozen', frozenUs: null, blockers });
  });
}

const expectations: readonly Expectation[] = [
  {
    where: { workload: ['mt-exec-storm'], strategy: ['single'] },
    of: 'rate',
    op: '==',
    value: 1,
    text: '== 1',
  },
];

async function make(): Promise<{ html: string; summary: Summary; json: { cells: readonly JsonCell[] } }> {
  const records = cells.flatMap(trials);
  const run = {
    id: '2026-11-24T02-00-00Z-nightly',
    name: 'nightly',
    started: null,
    status: 'finished',
    trials: 10,
    lab: evil,
  } as const;
  const summary = await summarise({ run, cells: cells.map(cellName), records });
  const judgements = judge(summary, expectations);
  const explanations = await explainRecords(records);
  const consoles = new Map([[cells[0]!, evil]]);
  const data = runPage({ summary, judgements, explanations, consoles });
  const json = JSON.parse(jsonReport(summary, judgements)) as { cells: JsonCell[] };
  return { html: htmlPage(data, await pageScript()), summary, json };
}

interface JsonCell {
  readonly id: string;
  readonly rate: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

let pages: Pages;
let made: Awaited<ReturnType<typeof make>>;
beforeAll(async () => {
  pages = await Pages.open();
  made = await make();
});
afterAll(() => pages[Symbol.asyncDispose]());

const storm = '#cell=debian-12%2Fv1%2Fnone%2Fmt-exec-storm%2Fsingle';

describe('the page of a run', () => {
  it('has the numbers of the JSON report in its maps, with no error and nothing fetched', async () => {
    const { page, wrong } = await pages.show(made.html);
    const shown = await page.$$eval('a[data-cell]', (links) =>
      links.map((link) => [link.getAttribute('aria-label')?.split(':').at(-1), link.textContent]),
    );
    expect(shown).toHaveLength(made.json.cells.length);
    const expected = made.json.cells.map(({ rate, low, high }) =>
      rate === null
        ? '–'
        : `${percent(rate)} ${percent(rate)} percent, ${percent(low!)} to ${percent(high!)}`,
    );
    const found = shown.map(([label, text]) =>
      text === '–' ? text : `${text} ${label?.split(', ').slice(0, 2).join(', ').trim()}`,
    );
    expect(found.map(String).sort()).toEqual(expected.sort());
    expect(await page.textContent('.verdict')).toContain(
      '8 expectations missed. Cells: 24 measured, 16 unsupported, 8 missed: exit code 1.',
    );
    expect(wrong).toEqual([]);
  });

  it('shows a cell that its address names: rate, curve, cause with stack, and how to measure it again', async () => {
    const { page, wrong } = await pages.show(made.html, storm);
    const cell = made.summary.cells.find(({ id }) => id === 'debian-12/v1/none/mt-exec-storm/single')!;
    const { rate, low, high } = cell;
    expect(await page.textContent('.big')).toBe(rateWords({ rate: rate!, low: low!, high: high! }));
    expect(await page.getAttribute('.curve > svg', 'aria-label')).toContain(
      `single: ${percent(rate!)}% had frozen after 10 ms`,
    );
    expect(await page.textContent('.cause')).toMatch(
      /multi-threaded exec|exec of a process with threads|begin_new_exec/,
    );
    expect(await page.textContent('.command')).toBe(
      'frostline repro 2026-11-24T02-00-00Z-nightly debian-12/v1/none/mt-exec-storm/single',
    );
    expect(await page.locator('a[aria-current]').getAttribute('data-cell')).toBe(cell.id);
    expect(wrong).toEqual([]);
  });

  it('shows what a guest said as text, and runs none of it', async () => {
    const { page, wrong } = await pages.show(made.html, `#cell=${encodeURIComponent(cells[0]!)}`);
    expect(await page.textContent('aside pre:not(.command)')).toContain(
      '\\x1b]0;owned\\x07</script><img src=x onerror="alert(1)">',
    );
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('script').count()).toBe(2);
    expect(await page.textContent('main')).not.toContain('\u202e');
    expect(await page.textContent('main')).toContain('<img src=x onerror=alert(3)>\\u202e');
    expect(wrong).toEqual([]);
  });

  it('filters by any axis, in the address, and goes back', async () => {
    const { page } = await pages.show(made.html);
    const count = (): Promise<number> => page.locator('a[data-cell]').count();
    await page.check('input[name=workload][value=mt-exec-storm]');
    expect(await count()).toBe(made.json.cells.length / 3);
    await page.check('input[name=cgroup][value=v2]');
    await page.check('input[name=show][value=failed]');
    expect(await count()).toBe(4);
    expect(new URL(page.url()).hash).toBe('#cgroup=v2&workload=mt-exec-storm&show=failed');
    await page.goBack();
    // the browser reports Back asynchronously
    await expect.poll(count).toBe(made.json.cells.length / 6);
    expect(await page.isChecked('input[name=show][value=all]')).toBe(true);
  });

  it('is used by keys: arrows from cell to cell, enter opens, escape closes and comes back', async () => {
    const { page } = await pages.show(made.html);
    await page.locator('a[data-cell][tabindex="0"]').first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForSelector('aside h2');
    expect(await page.textContent('aside .soft')).toBe('debian-12 / v1 / none / single');
    expect(await page.textContent('aside h2')).toBe('mt-exec-storm');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H2');
    await page.keyboard.press('Escape');
    expect(await page.isVisible('aside')).toBe(false);
    expect(await page.evaluate('document.activeElement.dataset.cell')).toBe(
      'debian-12/v1/none/mt-exec-storm/single',
    );
  });

  it.each(['light', 'dark'] as const)(
    'can be read by all in %s: axe finds nothing serious',
    async (scheme) => {
      const { page } = await pages.show(made.html, storm, scheme);
      expect(await seriousFindings(page)).toEqual([]);
    },
  );

  it('draws anew when the theme changes', async () => {
    const { page, wrong } = await pages.show(made.html, storm);
    const back = (): Promise<unknown> =>
      page.evaluate("document.querySelector('a[data-cell]').style.backgroundColor");
    const light = await back();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(back).not.toBe(light);
    expect(await page.isVisible('aside')).toBe(true);
    expect(wrong).toEqual([]);
  });
});

describe('the page of trends', () => {
  const point = (at: string, rate: number, kernel: string, changed: boolean) => ({
    ...{
      cell: `${evil}/v1/none/sleep/single`,
      at,
      trials: 10,
      frozen: rate * 10,
      rate,
      low: rate / 2,
      high: 1,
      boots: 5,
    },
    ...{ releases: [kernel], machines: ['qemu'], kernelChanged: changed, machinesChanged: false },
  });
  const points = [point('2026-11-20', 1, '6.1.0-55', false), point('2026-11-21', 0.5, '6.1.0-56', true)];

  it.each(['light', 'dark'] as const)(
    'draws each night and marks another kernel, in %s too',
    async (scheme) => {
      const { page, wrong } = await pages.show(htmlPage(trendPage(points), await pageScript()), '', scheme);
      expect(await page.locator('circle').count()).toBe(2);
      expect(await page.locator('.kernel line').count()).toBe(1);
      expect(await page.textContent('svg')).toContain('6.1.0-56');
      await page.click('summary');
      expect(await page.locator('.numbers tbody tr').allTextContents()).toEqual([
        '2026-11-2010/10100% [50-100]6.1.0-55',
        '2026-11-215/1050% [25-100]6.1.0-56',
      ]);
      expect(await seriousFindings(page)).toEqual([]);
      expect(wrong).toEqual([]);
    },
  );
});
