import type { Blocker } from '../trial/protocol.ts';
import { byVersion } from './versions.ts';

/** The context of a failed freeze: what a rule may use besides the task itself. */
export interface Scene {
  readonly cgroup: string;
  /** The guest's kernel release; null when unknown. */
  readonly release: string | null;
}

/** Why a task kept its cgroup from reaching FROZEN, in words for people. */
export interface Cause {
  readonly key: string;
  /** A short name, e.g. `a multi-threaded exec`. */
  readonly name: string;
  /** What the kernel does, naming its functions. */
  readonly why: string;
  /** What helps, and what does not. */
  readonly todo: string;
}

interface Rule extends Cause {
  /** One of these functions must be on the stack, or be the function the task sleeps in. */
  readonly on?: readonly string[];
  /** A substitute for `on` when there is no stack. */
  readonly or?: (task: Blocker) => boolean;
  /** Further conditions. */
  readonly when?: (task: Blocker, scene: Scene) => boolean;
}

/** Whether the release is at least `version` (major.minor); false when it is unknown. */
const isFrom = ({ release }: Scene, version: string): boolean =>
  release !== null && byVersion(release, version) >= 0;

/**
 * The rules; the first match wins. Sources: kernel/freezer.c, kernel/cgroup/legacy_freezer.c (cgroup_freezer.c before
 * 4.6), kernel/cgroup/freezer.c, and the functions that each rule names.
 */
const rules: readonly Rule[] = [
  {
    key: 'exec',
    name: 'a multi-threaded exec',
    on: ['de_thread', 'begin_new_exec', 'flush_old_exec'],
    // before 5.10 such an exec holds the mutex that reading its stack needs
    or: ({ state, unread, killedThreads }) => state === 'D' && unread === true && (killedThreads ?? 0) > 0,
    why: 'de_thread() (fs/exec.c, inlined into begin_new_exec) has killed the other threads of its process and waits, unfreezably, for them to end. The freezer has parked one of them already, and what is parked does not die before the thaw: each waits for the other.',
    todo: 'Writing FROZEN again does not help. Thaw for some milliseconds and freeze anew, as runc does and CRIU since 4.1.',
  },
  {
    key: 'vfork-lost',
    name: 'a vfork parent that was missed',
    on: ['wait_for_vfork_done', '__do_sys_vfork', '__se_sys_vfork', '__x64_sys_vfork', 'sys_vfork'],
    when: ({ state }, scene) => state === 'D' && scene.cgroup !== 'v2' && isFrom(scene, '6.1'),
    why: 'Since 6.1 (f5d39b020809) a task in a freezable sleep is frozen where it is by the write of FROZEN. This one was still on its way into wait_for_vfork_done() (kernel/fork.c) then, fell asleep afterwards, and is looked at no more: FREEZING stays.',
    todo: 'A second write of FROZEN finds it. One write and then nothing but reading, as CRIU did before 4.1, waits in vain.',
  },
  {
    key: 'fuse',
    name: 'a FUSE request without an answer',
    on: [
      'request_wait_answer',
      'fuse_chan_send',
      'fuse_simple_request',
      '__fuse_simple_request',
      '__fuse_request_send',
    ],
    why: "request_wait_answer() (fs/fuse/dev.c) waits for the file system's server, which is dead, stuck, or frozen itself. Neither freezer counts that wait.",
    todo: 'No retry helps. Let the server answer, keep it out of the group, or abort its connection: echo 1 > /sys/fs/fuse/connections/N/abort.',
  },
  {
    key: 'fs-frozen',
    name: 'a frozen file system',
    on: [
      'mnt_want_write',
      'mnt_want_write_file',
      '__sb_start_write',
      'sb_start_write',
      'percpu_rwsem_wait',
      '__percpu_down_read',
    ],
    why: 'It wants to write to a file system that is frozen by FIFREEZE (fsfreeze -f, a snapshot of a volume) and waits in sb_start_write() (include/linux/fs.h), uninterruptibly.',
    todo: 'No retry helps. Thaw the file system (fsfreeze -u) before the group is frozen.',
  },
  {
    key: 'nfs',
    name: 'an RPC to a silent server',
    on: ['rpc_wait_bit_killable', '__rpc_execute'],
    why: 'rpc_wait_bit_killable() (net/sunrpc/sched.c) waits for an NFS server. The v1 freezer counts that wait as frozen; v2 does not.',
    todo: 'Bring the server back or umount -f. On v1 what waits behind it, for its page or its inode, is not counted either.',
  },
  {
    key: 'memcg-oom',
    name: 'out of memory with the OOM killer off',
    on: ['mem_cgroup_oom_synchronize', 'mem_cgroup_oom'],
    why: 'The v1 memory group is out of memory and its OOM killer is off (memory.oom_control): the task waits in mem_cgroup_oom_synchronize() (mm/memcontrol-v1.c) for memory, uninterruptibly.',
    todo: 'No retry helps. Raise the limit, or kill one of the group.',
  },
  {
    key: 'userfault',
    name: 'a page that its userfaultfd does not fill',
    on: ['handle_userfault'],
    why: 'handle_userfault() (fs/userfaultfd.c) waits for the process that serves the page.',
    todo: 'No retry helps while the server is silent, or in the group itself.',
  },
  {
    key: 'kthread',
    name: 'a kernel thread in the group',
    on: ['kthread', 'vhost_worker'],
    when: ({ stack, wchan }) =>
      stack.some((line) => functionOf(line) === 'kthread') || wchan === 'vhost_worker',
    why: 'v2 counts kernel threads of its group and cannot stop them: they never go to user mode. Workers of vhost and KVM are such; since 6.4 vhost has user threads instead.',
    todo: 'No retry helps. Keep what owns the device out of the group, or use v1, which leaves kernel threads out.',
  },
  {
    key: 'pidns-exit',
    name: 'the end of a pid namespace',
    on: ['zap_pid_ns_processes'],
    why: 'The first process of a pid namespace has died and waits in zap_pid_ns_processes() (kernel/pid_namespace.c) until all others have ended. One of them does not.',
    todo: 'Look at the other tasks: what keeps that one keeps the group.',
  },
  {
    key: 'disk',
    name: 'a disk that does not answer',
    on: [
      'submit_bio_wait',
      'io_schedule',
      'io_schedule_timeout',
      'blk_io_schedule',
      'bit_wait_io',
      'folio_wait_bit_common',
      'wait_on_page_bit',
      '__wait_on_buffer',
      'rq_qos_wait',
      'blk_mq_freeze_queue_wait',
      // direct I/O before 5.10, and under other names before 4.5
      'do_blockdev_direct_IO',
      '__blockdev_direct_IO',
      '__blkdev_direct_IO',
      '__blkdev_direct_IO_simple',
      'dio_await_completion',
      'blkdev_direct_IO',
      'sleep_on_buffer',
      'sleep_on_page',
    ],
    why: 'It waits for a block device or a page of one, uninterruptibly: the device is slow, throttled (blkio), suspended (device mapper), or gone.',
    todo: 'Waiting longer helps if the device does answer in the end; retries alone do not.',
  },
  {
    key: 'behind',
    name: 'a lock that another task holds',
    on: [
      'd_alloc_parallel',
      'rwsem_down_read_slowpath',
      'rwsem_down_write_slowpath',
      '__mutex_lock',
      'mutex_lock',
      'rwsem_read_trylock',
      'schedule_preempt_disabled',
      'walk_component_slow',
    ],
    when: ({ state }) => state === 'D',
    why: 'It waits for a lock of the kernel, uninterruptibly; whoever holds it waits for something else.',
    todo: 'Look at the other tasks of the group, and for one outside it with the same file system.',
  },
  {
    key: 'running',
    name: 'a task that runs in the kernel',
    when: ({ state, stack }) => state === 'R' && stack.length === 0,
    why: 'It is on a CPU, or ready for one, and is frozen only on its way back to user mode. A long system call, a loop that a signal restarts, or a machine that is short of CPUs.',
    todo: 'Waiting longer helps if the system call ends.',
  },
];

const functionOf = (line: string): string => line.replace(/^\[<[^>]*>\] /, '').replace(/[+. ].*/, '');

/** Why a task keeps its cgroup from FROZEN; null when no rule matches. */
export function causeOf(task: Blocker, scene: Scene): Cause | null {
  const where = new Set([...task.stack.map(functionOf), functionOf(task.wchan)]);
  const rule = rules.find(
    ({ on, or, when }) =>
      (on === undefined || on.some((name) => where.has(name)) || or?.(task) === true) &&
      (when === undefined || when(task, scene)),
  );
  if (rule === undefined) return null;
  const { key, name, why, todo } = rule;
  return { key, name, why, todo };
}
