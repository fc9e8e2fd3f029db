import type { Runtime } from './matrix.ts';

/** The program that each container runtime runs; null: none. */
export const runtimePrograms = {
  none: null,
  runc: 'runc',
  'runc-userns': 'runc',
  crun: 'crun',
  'crun-userns': 'crun',
  podman: 'podman',
} as const satisfies Record<Runtime, string | null>;

export const hasUserns = (runtime: Runtime): boolean => runtime.endsWith('-userns');

/** A real program that freezes in place of a loop of frostbite's own. */
interface Tool {
  /** The command it runs, for documentation. */
  readonly about: string;
  /** Runtimes whose containers it can freeze. */
  readonly runtimes: readonly Runtime[];
  /** How many programs it runs one after another; each has a deadline of its own. */
  readonly programs: number;
}

const runc = ['runc', 'runc-userns'] as const;
const crun = ['crun', 'crun-userns'] as const;

export const tools = {
  'runc-pause': { about: '`runc pause`, then `runc resume`', runtimes: runc, programs: 1 },
  'crun-pause': { about: '`crun pause`, which does not read back', runtimes: crun, programs: 1 },
  'podman-pause': { about: '`podman pause`', runtimes: ['podman'], programs: 1 },
  'criu-dump': {
    about: '`criu dump --freeze-cgroup --leave-running` of the container',
    runtimes: [...runc, ...crun],
    programs: 1,
  },
  'runc-checkpoint': {
    about: '`runc checkpoint` and `runc restore`, after a pre-dump with `preDump`, as TestCheckpoint does',
    runtimes: runc,
    programs: 3,
  },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof tools;
export const toolNames = Object.keys(tools) as readonly ToolName[];

/** Whether a strategy with this tool (null: none) can be used with a runtime. */
export const isUsable = (tool: ToolName | null, runtime: Runtime): boolean =>
  tool === null || (tools[tool].runtimes as readonly Runtime[]).includes(runtime);
