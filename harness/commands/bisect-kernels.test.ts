import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createProgram } from './program.ts';

async function bisect(...words: string[]): Promise<void> {
  const { signal } = new AbortController();
  const io = {
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: {},
    signal,
    setExitCode: () => undefined,
  };
  await createProgram(io, '1.2.3').parseAsync(['node', 'frostline', 'bisect', ...words]);
}

// none of these cases contacts the archive
it.each<[string, string[], string]>([
  ['a workload that there is not', ['--workload', 'vfrk', '--strategy', 'single'], 'Unknown name "vfrk"'],
  ['a strategy that there is not', ['--workload', 'sleep', '--strategy', 'doubl'], 'Unknown name "doubl"'],
  [
    'a runtime without a userland',
    ['--workload', 'sleep', '--strategy', 'single', '--runtime', 'runc'],
    'no userland',
  ],
  [
    'rates the wrong way round',
    ['--workload', 'sleep', '--strategy', 'single', '--bad-rate', '0.99'],
    'is not above',
  ],
  [
    'a rate that is none',
    ['--workload', 'sleep', '--strategy', 'single', '--good-rate', '2'],
    '"2" is no rate',
  ],
])('a bisection with %s is refused before anything is fetched', async (_, words, message) => {
  await expect(bisect(...words)).rejects.toThrow(message);
});
