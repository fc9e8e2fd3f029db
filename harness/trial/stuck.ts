import type { Stuck } from './protocol.ts';

/** System calls (x86-64 numbers) that frostbite makes on a group's files and directories. */
const calls: Readonly<Record<number, string>> = {
  0: 'read',
  1: 'write',
  2: 'open',
  3: 'close',
  17: 'pread64',
  83: 'mkdir',
  84: 'rmdir',
  257: 'openat',
  263: 'unlinkat',
};

/** The files that control a group's freezer and its members. */
const controls = /\/(?:freezer\.state|cgroup\.(?:freeze|procs|threads|kill|events)|tasks)$/;
/** Kernel functions that only operations on cgroups are in. */
const inGroups = /^(?:cgroup|freezer|kernfs|css_|cpus_read_lock|_*percpu_(?:down|rwsem))/;

/**
 * Whether a thread is stuck in the freezer or its cgroups: in an access to their files, or while creating or removing a
 * group. No workload can block these for long, so it is the kernel's own locks that do.
 */
export function isInFreezer({ syscall, file, stack, wchan }: Stuck): boolean {
  if (file !== undefined) return controls.test(file);
  if (syscall !== null && (calls[syscall] === 'rmdir' || calls[syscall] === 'mkdir')) return true;
  return [wchan, ...stack].some((name) => inGroups.test(name));
}

/** Where a thread is stuck and for how long: `write to freezer.state for 61 s, in D: percpu_rwsem_wait < ...`. */
export function stuckWords({ syscall, file, stack, wchan, state, us }: Stuck): string {
  const call = syscall === null || syscall < 0 ? 'the kernel' : (calls[syscall] ?? `system call ${syscall}`);
  const of = file === undefined ? '' : ` to ${file.slice(file.lastIndexOf('/') + 1)}`;
  const places = stack.length > 0 ? stack : wchan === '0' ? [] : [wchan];
  const where = places.length === 0 ? '' : `: ${places.join(' < ')}`;
  return `${call}${of} for ${Math.round(us / 1e6)} s, in ${state}${where}`;
}
