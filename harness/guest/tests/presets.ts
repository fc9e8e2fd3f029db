/** What the loop of a tool does with a state that never becomes FROZEN. */
export interface Loop {
  /** The program that was read, and the place in it. */
  readonly source: string;
  /** Each write of FROZEN (W) and THAWED (T) and each read (R), in order. */
  readonly acts: string;
  /** When they come, in microseconds from the first write; for runc, each thaw stands for all acts in between. */
  readonly times: {
    readonly W?: readonly number[];
    readonly T: readonly number[];
    readonly R?: readonly number[];
  };
  /** When the last read comes, if no system call takes any time. */
  readonly end: number;
  /** Calls of a write and of a read, seen in the running tool; frostbite's own if they do not affect its pace. */
  readonly write: string;
  readonly read: string;
}

const ms = 1000;
const second = 1000 * ms;
const own = { write: 'write', read: 'pread' } as const;
/** CRIU 3.17.1 and 4.1.1. */
const criu = { write: 'lseek write', read: 'lseek read' } as const;

/** The times of n acts, `stepUs` apart, from 0. */
const every = (stepUs: number, n: number): number[] => Array.from({ length: n }, (_, k) => k * stepUs);

/** One write, then reads `stepUs` apart. */
const polling = (reads: number, stepUs: number): Pick<Loop, 'acts' | 'times' | 'end'> => ({
  acts: `W${'R'.repeat(reads)}`,
  times: { W: [0], T: [], R: every(stepUs, reads) },
  end: (reads - 1) * stepUs,
});

const runcSteps = `${'WR'.repeat(49)}TWR`.repeat(20);
const criuSteps = ['R'.repeat(9), 'R'.repeat(11), 'R'.repeat(11)].join('W');

/** Read off the tools' sources by hand, for each cgroup version. */
export const loops: Readonly<Record<string, Readonly<Partial<Record<'v1' | 'v2', Loop>>>>> = {
  single: {
    v1: {
      source:
        'CRIU at 008f163f6a3d, before 4.1: criu/seize.c, freeze_processes(); collect_pstree() sets the alarm of 10 s',
      ...polling(101, 100 * ms),
      ...criu,
    },
    v2: {
      source: 'the same, with cgroup.freeze and cgroup.events: get_freezer_v2_state()',
      ...polling(101, 100 * ms),
      ...own,
    },
  },
  rewrite: {
    v1: {
      source: 'containerd/cgroups 3.0.3, cgroup1/freezer.go:68, waitState(); it has no end, 10 s is ours',
      acts: 'WR'.repeat(10_001),
      // it sleeps 1 ms after a read, then writes again
      times: { W: every(ms, 10_001), T: [], R: every(ms, 10_001) },
      end: 10 * second,
      // os.WriteFile() and os.ReadFile() of Go 1.24
      write: 'open fcntl fcntl epoll_ctl write epoll_ctl close',
      read: 'open fcntl fcntl epoll_ctl fstat read read epoll_ctl close',
    },
  },
  runc: {
    v1: {
      source: 'runc 1.1.15, libcontainer/cgroups/fs/freezer.go:61 to 101; file.go:120',
      // i % 50 == 49 thaws for 10 ms, i % 25 == 24 sleeps 10 us before it reads: once before the first thaw, then twice
      acts: runcSteps,
      times: { T: every(10_020, 20).map((at) => 10 + at) },
      end: 20 * 10 * ms + 40 * 10,
      write: 'openat2 fcntl write close',
      read: 'openat2 fcntl read read close',
    },
    v2: {
      source: 'runc 1.1.15, libcontainer/cgroups/fs2/freezer.go:88, waitFrozen()',
      ...polling(1000, 10 * ms),
      ...own,
    },
  },
  'criu-4.1': {
    v1: {
      source: 'CRIU 4.1.1, criu/seize.c:542 and 618 to 632; the alarm of 10 s comes before the 100th attempt',
      // rewrites after the 9th and 20th of 32 reads, thaws for 100 ms after the 31st; 100 ms before each further read
      acts: `W${`${criuSteps}TWR`.repeat(3)}RR`,
      times: {
        W: [0, 800, 1900, 3100, 4100, 5200, 6400, 7400, 8500, 9700].map((at) => at * ms),
        T: [3000, 6300, 9600].map((at) => at * ms),
        R: [
          ...every(100, 31),
          ...every(100, 32).map((at) => 3200 + at),
          ...every(100, 32).map((at) => 6500 + at),
          ...every(100, 3).map((at) => 9800 + at),
        ].map((at) => at * ms),
      },
      end: 10 * second,
      ...criu,
    },
    v2: {
      source: 'CRIU 4.1.1, criu/seize.c:618 to 632, without the kludges of v1',
      ...polling(101, 100 * ms),
      ...own,
    },
  },
  v2: {
    v2: {
      source: 'LXC, src/lxc/cgroups/cgfsng.c, do_cgroup_freeze(): a write, then notifications; 10 s is ours',
      acts: 'WRR',
      times: { W: [0], T: [], R: [0, 10 * second] },
      end: 10 * second,
      ...own,
    },
  },
};
