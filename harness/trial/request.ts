import type { Schedule, Strategy } from '../matrix/strategy.ts';
import type { CgroupVersion, Runtime, StartGap } from '../matrix/matrix.ts';
import { hasUserns, runtimePrograms } from '../matrix/tools.ts';
import type { Values } from '../matrix/parameters.ts';
import type { WorkloadName } from '../matrix/workloads.ts';

/** One trial to run in a guest. */
export interface TrialRequest {
  readonly trial: number;
  readonly seed: number;
  readonly cgroup: CgroupVersion;
  readonly runtime: Runtime;
  readonly startGap: StartGap | null;
  readonly workload: WorkloadName;
  /** The values of all parameters of the workload. */
  readonly parameters: Values;
  readonly strategy: Strategy;
}

/** How long the witness watches the counters while the group reads FROZEN. */
const holdUs = 20_000;

function schedule(name: string, when: Schedule | null): [string, string | number][] {
  if (when === null) return [];
  return [
    [`${name}_at`, when.at.join(',')],
    [`${name}_every`, when.every],
  ];
}

/** Precedes the request of a trial whose group is to stay as its strategy leaves it. */
export const keepWord = 'keep=1\n';

/** Encodes a trial for `frostbite serve`: `key=value` lines ended by an empty line. */
export function encodeRequest({ trial, seed, strategy, ...request }: TrialRequest): string {
  const { cgroup, runtime, workload, parameters, startGap } = request;
  const words: [string, string | number][] = [
    ['trial', trial],
    ['seed', seed],
    ['cgroup', cgroup],
    ['workload', workload],
    ...Object.entries(parameters),
    ['runtime', runtimePrograms[runtime] ?? 'none'],
    ['userns', Number(hasUserns(runtime))],
    ['tool', strategy.tool ?? 'none'],
    ['pre_dump', Number(strategy.preDump)],
    ...(startGap === null
      ? []
      : ([
          ['gap_from_us', startGap.fromUs],
          ['gap_us', startGap.toUs],
        ] as const)
    ).map(([key, us]): [string, number] => [key, us]),
    ['attempts', strategy.attempts],
    ['deadline_us', strategy.deadlineUs],
    ['poll_us', strategy.pollUs],
    ['poll_before', strategy.pollBefore],
    ['wait', strategy.wait],
    ['calls', strategy.calls],
    ...schedule('rewrite', strategy.rewrite),
    ...schedule('thaw', strategy.thaw),
    ['thaw_for_us', strategy.thawForUs],
    ...schedule('settle', strategy.settle),
    ['settle_us', strategy.settleUs],
    ['hold_us', holdUs],
  ];
  return `${words.map(([key, value]) => `${key}=${value}\n`).join('')}\n`;
}
