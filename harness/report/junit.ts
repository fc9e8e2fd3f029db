import type { Judgement } from '../analyse/expect.ts';
import type { Summary } from '../analyse/summary.ts';
import { escapeXml } from './escape.ts';
import { blockerWords, cellFigures, cellStatuses, type CellStatus } from './status.ts';

/**
 * A summary as JUnit XML, in the form read by Jenkins, GitLab and GitHub Actions: a test suite per distro, a test case
 * per cell. `failure` is the kernel's fault, `error` ours; `skipped` has the reason.
 */
export function junitReport(summary: Summary, judgements: readonly Judgement[]): string {
  const suites = new Map<string, CellStatus[]>();
  for (const one of cellStatuses(summary, judgements))
    suites.set(one.cell.distro, [...(suites.get(one.cell.distro) ?? []), one]);
  const all = [...suites.values()].flat();
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: summary.run.id, ...counts(all), time: seconds(all) })}>`,
    ...[...suites].flatMap(([distro, cells]) => suite(distro, cells, summary)),
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function suite(distro: string, cells: readonly CellStatus[], { run }: Summary): string[] {
  const releases = [...new Set(cells.flatMap(({ cell }) => cell.releases))].join(', ');
  const began = cells.flatMap(({ cell }) => cell.began ?? []).sort()[0];
  const skipped = cells.filter(({ status }) => status === 'skipped').length;
  const all = {
    name: distro,
    ...counts(cells),
    skipped,
    time: seconds(cells),
    timestamp: moment(began ?? run.started),
  };
  return [
    `  <testsuite${attributes(all)}>`,
    ...(releases === ''
      ? []
      : [`    <properties><property name="kernel" value="${escapeXml(releases)}"/></properties>`]),
    ...cells.flatMap(testCase),
    '  </testsuite>',
  ];
}

function testCase(one: CellStatus): string[] {
  const { cell, state, status, why } = one;
  const { distro, cgroup, runtime, workload, strategy } = cell;
  const head = {
    classname: [distro, cgroup, runtime].join('.'),
    name: `${workload} ${strategy}`,
    time: seconds([one]),
  };
  const told = [cellFigures(cell), ...(status === 'passed' ? [why] : []), ...blockerWords(cell)];
  const figures = told.filter((line) => line !== '').map(escapeXml);
  const out = [`state: ${state}`, ...(cell.began === null ? [] : [`began: ${cell.began}`])];
  const problem = attributes({ message: why, type: state });
  return [
    `    <testcase${attributes(head)}>`,
    ...(status === 'skipped' ? [`      <skipped${attributes({ message: why })}/>`] : []),
    ...(status === 'failed' ? [`      <failure${problem}>${figures.join('\n')}</failure>`] : []),
    ...(status === 'error' ? [`      <error${problem}>${figures.join('\n')}</error>`] : []),
    `      <system-out>${[...out, ...(status === 'passed' ? figures : [])].join('\n')}</system-out>`,
    '    </testcase>',
  ];
}

const counts = (cells: readonly CellStatus[]): Record<'tests' | 'failures' | 'errors', number> => ({
  tests: cells.length,
  failures: cells.filter(({ status }) => status === 'failed').length,
  errors: cells.filter(({ status }) => status === 'error').length,
});

/** Total duration of the trials of these cells; some of them may have run concurrently. */
const seconds = (cells: readonly CellStatus[]): string =>
  (cells.reduce((sum, { cell }) => sum + cell.wallUs, 0) / 1e6).toFixed(6);

/** An instant without the fraction and zone, which the format lacks; undefined when it is not an instant. */
const moment = (instant: string | null): string | undefined =>
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(instant ?? '')?.[1];

const attributes = (of: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(of)
    .flatMap(([name, value]) => (value === undefined ? [] : [` ${name}="${escapeXml(String(value))}"`]))
    .join('');
