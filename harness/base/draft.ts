import { randomBytes } from 'node:crypto';
import { isAlive, self, whereabouts } from './owner.ts';

/**
 * A name for a folder that is being filled, which identifies its owner: `.draft-PID-START-WHERE-MADE-RANDOM`, MADE in
 * seconds since the epoch. scripts/build-box uses the same format.
 */
export function draftName(): string {
  const { pid, start, where } = self();
  const made = Math.floor(Date.now() / 1000);
  return `.draft-${pid}-${start}-${where}-${made}-${randomBytes(6).toString('hex')}`;
}

export const isDraft = (name: string): boolean => name.startsWith('.draft-');

const form = /^\.draft-(?<pid>\d+)-(?<start>\d+)-(?<where>[0-9a-f]+\.\d+)-(?<made>\d+)-[0-9A-Za-z]+$/;
/** A download or a build that takes longer than this has failed. */
const dayMs = 24 * 3600 * 1000;

/** The pid of the process that is filling a folder of this name; undefined if it is dead or not visible from here. */
export function drafterOf(name: string): number | undefined {
  const { pid, start, where } = form.exec(name)?.groups ?? {};
  const isHere = where === whereabouts();
  return isHere && isAlive({ pid: Number(pid), start: Number(start) }) ? Number(pid) : undefined;
}

/**
 * Whether the process that filled a folder of this name is gone. A process that is not visible from here (another boot,
 * container or host) is presumed alive for a day from MADE, or from `folderMs` (the folder's own time) without one.
 */
export function isAbandoned(name: string, folderMs: number): boolean {
  const { where, made } = form.exec(name)?.groups ?? {};
  if (where === whereabouts()) return drafterOf(name) === undefined;
  return Date.now() - (made === undefined ? folderMs : Number(made) * 1000) > dayMs;
}
