import { randomBytes } from 'node:crypto';
import { isAlive, self, whereabouts } from './owner.ts';

/**
 * A name for a folder that is being filled, which says whose it is: `.draft-PID-START-WHERE-MADE-RANDOM`, MADE in
 * seconds. scripts/build-box makes such names, too.
 */
export function draftName(): string {
  const { pid, start, where } = self();
  const made = Math.floor(Date.now() / 1000);
  return `.draft-${pid}-${start}-${where}-${made}-${randomBytes(6).toString('hex')}`;
}

export const isDraft = (name: string): boolean => name.startsWith('.draft-');

const form = /^\.draft-(?<pid>\d+)-(?<start>\d+)-(?<where>[0-9a-f]+\.\d+)-(?<made>\d+)-[0-9A-Za-z]+$/;
/** A download or a build that takes longer has failed. */
const dayMs = 24 * 3600 * 1000;

/** The process that is filling a folder of this name; undefined when it is dead, or not to be seen from here. */
export function drafterOf(name: string): number | undefined {
  const { pid, start, where } = form.exec(name)?.groups ?? {};
  const isHere = where === whereabouts();
  return isHere && isAlive({ pid: Number(pid), start: Number(start) }) ? Number(pid) : undefined;
}

/**
 * Whether nobody goes on with a folder of this name. Whose process cannot be seen from here (another boot, container or
 * host) is believed for a day; of a name that does not say when it was made, the folder's own time counts.
 */
export function isAbandoned(name: string, folderMs: number): boolean {
  const { where, made } = form.exec(name)?.groups ?? {};
  if (where === whereabouts()) return drafterOf(name) === undefined;
  return Date.now() - (made === undefined ? folderMs : Number(made) * 1000) > dayMs;
}
