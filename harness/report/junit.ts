import type { Judgement } from '../analyse/expect.ts';
import type { CellSummary, Summary } from '../analyse/summary.ts';
import { escapeXml } from './escape.ts';
import { blockerWords, cellFigures, cellStatuses, type CellStatus } from './status.ts';

/**
 * A summary as JUnit XML, in the form that Jenkins, GitLab and GitHub's actions read: a test suite for each distro, a
 * test case for each cell. `failure` is the kernel's doing, `error` ours; `skipped` has the reason.
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
  // of the run, without the fraction and the zone that the format does not have
  const timestamp = run.started?.replace(/(\.\d+)?Z$/, '');
  const skipped = cells.filter(({ status }) => status === 'skipped').length;
  const all = { name: distro, ...counts(cells), skipped, time: seconds(cells), timestamp };
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
  const { cell, status, why } = one;
  const { distro, cgroup, runtime, workload, strategy } = cell;
  const head = {
    classname: [distro, cgroup, runtime].join('.'),
    name: `${workload} ${strategy}`,
    time: seconds([one]),
  };
  const told = [
    cellFigures(cell),
    ...(status === 'passed' && why !== '' ? [why] : []),
    ...blockerWords(cell),
  ];
  const out = told.filter((line) => line !== '').map(escapeXml);
  return [
    `    <testcase${attributes(head)}>`,
    ...(status === 'skipped' ? [`      <skipped${attributes({ message: why })}/>`] : []),
    ...(status === 'failed'
      ? [`      <failure${attributes({ message: why, type: typeOf(cell) })}>${out.join('\n')}</failure>`]
      : []),
    ...(status === 'error' ? [`      <error${attributes({ message: why, type: typeOf(cell) })}/>`] : []),
    ...(status === 'passed' && out.length > 0 ? [`      <system-out>${out.join('\n')}</system-out>`] : []),
    '    </testcase>',
  ];
}

const typeOf = ({ notMeasured }: CellSummary): string => notMeasured?.kind ?? 'rate';

const counts = (cells: readonly CellStatus[]): Record<'tests' | 'failures' | 'errors', number> => ({
  tests: cells.length,
  failures: cells.filter(({ status }) => status === 'failed').length,
  errors: cells.filter(({ status }) => status === 'error').length,
});

/** The median time to FROZEN: what a test's duration is shown as. */
const seconds = (cells: readonly CellStatus[]): string =>
  (cells.reduce((sum, { cell }) => sum + (cell.p50Us ?? 0), 0) / 1e6).toFixed(6);

const attributes = (of: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(of)
    .flatMap(([name, value]) => (value === undefined ? [] : [` ${name}="${escapeXml(String(value))}"`]))
    .join('');
