import { parseVariant } from './parameters.ts';
import type { WorkloadName } from './workloads.ts';

/** Workloads that race with the freezer: other load on their cores changes who wins. */
const busy: ReadonlySet<string> = new Set<WorkloadName>([
  'spin',
  'fork-storm',
  'thread-storm',
  'thread-bomb',
  'exec-storm',
  'fork-exec-storm',
  'vfork-exec-storm',
  'mt-exec-storm',
  'mt-exec-once',
  'attach-storm',
  'attach-to-frozen',
  'exec-into',
  'nested',
]);

/** Whether a trial of this variant keeps cores busy for all its time. */
export function isBusy(name: string): boolean {
  const variant = parseVariant(name);
  return variant !== null && (busy.has(variant.workload) || variant.values['load'] !== 0);
}
