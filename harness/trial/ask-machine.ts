import type { Machine } from '../lab/machine.ts';

/** A file of evidence and the command that says what is in it: words of ours alone, for any shell. */
const questions = [
  ['dmesg.txt', 'dmesg | tail -n 300'],
  ['cmdline.txt', 'cat /proc/cmdline'],
  ['cgroups.txt', 'cat /proc/mounts | grep cgroup; cat /proc/cgroups'],
] as const;
const askMs = 10_000;

/** What a machine that answers says of itself after a trial, by file; what it does not answer is left out. */
export async function askMachine(machine: Machine): Promise<Map<string, string>> {
  const said = new Map<string, string>();
  for (const [name, command] of questions) {
    const answer = await machine.exec(command, askMs).catch(() => undefined);
    if (answer === undefined) break;
    if (answer.stdout !== '') said.set(name, `${answer.stdout}\n`);
  }
  return said;
}
