import type { CgroupVersion, Matrix } from '../matrix/matrix.ts';
import { presetNames, presets } from '../matrix/presets.ts';
import type { Strategy } from '../matrix/strategy.ts';
import type { CellSummary } from './summary.ts';

/** Purposes of a freeze. */
export const purposes = ['pause', 'checkpoint', 'freeze'] as const;
export type Purpose = (typeof purposes)[number];

/** A way to freeze, as a maintainer would name it, and its purpose. */
export interface Use {
  readonly purpose: Purpose;
  /** E.g. `runc pause (runc 1.1.15)`, `CRIU's loop before 4.1`, or the name of a strategy of the matrix's own. */
  readonly name: string;
  /** Whether it is a real program, not a loop that imitates one. */
  readonly isTool: boolean;
}

const toolUses: Readonly<Record<string, { readonly purpose: Purpose; readonly name: string }>> = {
  'runc-pause': { purpose: 'pause', name: 'runc pause' },
  'crun-pause': { purpose: 'pause', name: 'crun pause' },
  'podman-pause': { purpose: 'pause', name: 'podman pause' },
  'criu-dump': { purpose: 'checkpoint', name: 'criu dump' },
  'runc-checkpoint': { purpose: 'checkpoint', name: 'runc checkpoint' },
};

const presetUses: Readonly<
  Record<keyof typeof presets, { readonly purpose: Purpose; readonly name: string }>
> = {
  single: { purpose: 'checkpoint', name: "CRIU's loop before 4.1" },
  'criu-4.1': { purpose: 'checkpoint', name: "CRIU's loop since 4.1" },
  runc: { purpose: 'pause', name: "runc's loop" },
  rewrite: { purpose: 'pause', name: "containerd's loop" },
  v2: { purpose: 'pause', name: "systemd's wait for events" },
};

/**
 * The use of a cell, from its strategy in the matrix; a strategy that matches no preset is a plain freeze of that name.
 */
export function useOf(cell: CellSummary, matrix: Matrix | undefined): Use {
  const strategy = matrix?.strategies.get(cell.strategy)?.[cell.cgroup as CgroupVersion];
  const plain = { purpose: 'freeze', name: cell.strategy, isTool: false } as const;
  if (strategy === undefined) return plain;
  if (strategy.tool !== null) {
    const known = toolUses[strategy.tool];
    const versions = cell.tool?.versions.join(', ') ?? '';
    const name = `${known?.name ?? strategy.tool}${versions === '' ? '' : ` (${versions})`}`;
    return { purpose: known?.purpose ?? 'freeze', name, isTool: true };
  }
  const preset = presetNames.find((name) => doesSame(strategy, name, cell.cgroup as CgroupVersion));
  return preset === undefined ? plain : { ...presetUses[preset], isTool: false };
}

/** Whether a strategy equals a preset except for its name and deadline. */
function doesSame(strategy: Strategy, preset: keyof typeof presets, cgroup: CgroupVersion): boolean {
  const forms: Partial<Record<CgroupVersion, Strategy>> = presets[preset];
  const form = forms[cgroup] ?? forms.v1;
  const essence = (one: Strategy): string => JSON.stringify({ ...one, name: '', deadlineUs: 0 });
  return form !== undefined && essence(strategy) === essence(form);
}
