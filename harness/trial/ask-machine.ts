import type { Machine } from '../lab/machine.ts';

/** Evidence files, and the commands whose output goes into them: fixed text that works in any shell. */
const questions = [
  ['dmesg.txt', 'dmesg | tail -n 300'],
  ['cmdline.txt', 'cat /proc/cmdline'],
  ['cgroups.txt', 'cat /proc/mounts | grep cgroup; cat /proc/cgroups'],
] as const;
const askMs = 10_000;

/** Collects evidence from a machine after a trial, by file name. Stops at the first command that is not answered. */
export async function askMachine(machine: Machine): Promise<Map<string, string>> {
  const said = new Map<string, string>();
  for (const [name, command] of questions) {
    const answer = await machine.exec(command, askMs).catch(() => undefined);
    if (answer === undefined) break;
    if (answer.stdout !== '') said.set(name, `${answer.stdout}\n`);
  }
  return said;
}
