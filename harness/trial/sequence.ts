import type { CgroupVersion } from '../matrix/matrix.ts';
import { stepsStrategy, type Step } from '../matrix/sequence.ts';
import type { Detail } from '../matrix/steps.ts';

/** One trial of a sequence, to run in a guest. */
export interface SequenceRequest {
  readonly trial: number;
  readonly seed: number;
  readonly cgroup: CgroupVersion;
  readonly steps: readonly Step[];
}

/** The outcome that is a success in the cell with this id. */
export const successWord = (cell: string): string =>
  cell.endsWith(`/${stepsStrategy}`) ? 'passed' : 'frozen';

/** Details that have other names in frostbite; times are in microseconds there. */
const words: Partial<Record<Detail, string>> = {
  for: 'for_us',
  within: 'within_us',
  frozenFor: 'frozen_for_us',
  frozenTime: 'frozen_time',
  longerThan: 'longer_than',
};

/** Encodes a sequence for `frostbite serve`: with a line `step=VERB NAME key=value ...` for each step. */
export function encodeSequence({ trial, seed, cgroup, steps }: SequenceRequest): string {
  const lines = steps.map(({ verb, name, details }) =>
    [verb, name, ...details.map(([key, value]) => `${words[key] ?? key}=${value}`)].join(' '),
  );
  const head = [`trial=${trial}`, `seed=${seed}`, `cgroup=${cgroup}`];
  return `${[...head, ...lines.map((line) => `step=${line}`)].join('\n')}\n\n`;
}

/** Microseconds that all steps together may take: by their own definition, plus two seconds each. */
export const mayTakeUs = ({ steps }: SequenceRequest): number =>
  steps.reduce((sum, step) => sum + step.mayTakeUs + 2_000_000, 0);
