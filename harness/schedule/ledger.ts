import type { CgroupVersion } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { patternOf, sharedWords, withoutName } from '../trial/reason.ts';

/** What a machine can fail at for a reason of ours. */
export type Attempt =
  | { readonly kind: 'boot'; readonly distro: string }
  | { readonly kind: 'set-up'; readonly distro: string; readonly cgroup: CgroupVersion }
  | { readonly kind: 'trial'; readonly cell: Cell };

/** An attempt under way. The first call says how it ended, later ones say nothing. */
export interface Entry {
  /** It can be done there: a machine was up, a trial was measured. */
  worked(): void;
  /** It failed for a reason of ours, on a machine of its own: each failure costs its machine. `isFresh`: nothing was done on it before. */
  failed(reason: string, isFresh: boolean): void;
  /** It failed in a way that no other machine will change. */
  cannot(reason: string): void;
  /** It ended in a way that tells neither. */
  left(): void;
}

/** Cells given up for one reason. */
export interface GivenUp {
  readonly cells: readonly Cell[];
  readonly reason: string;
}

/** Cells that are the same in what is named here. */
type Box = Partial<Omit<Cell, 'id'>>;

interface Failure {
  readonly attempt: Attempt;
  readonly reason: string;
  readonly pattern: string;
  readonly isFresh: boolean;
}

/** What is to be given up when none of those that were under way works. */
interface Proof {
  readonly box: Box;
  readonly of: Failure;
  readonly waitsFor: Set<Attempt>;
}

/** So many machines that fail for the same reason are enough. */
const enough = 2;
const free = ['workload', 'strategy'] as const;

const contains = (box: Box, place: Box): boolean =>
  (Object.keys(box) as (keyof Box)[]).every((axis) => box[axis] === place[axis]);

const placeOf = (attempt: Attempt): Box => (attempt.kind === 'trial' ? attempt.cell : attempt);

const nameOf = (attempt: Attempt): string =>
  attempt.kind === 'trial'
    ? attempt.cell.id
    : attempt.kind === 'set-up'
      ? `${attempt.distro}/${attempt.cgroup}`
      : attempt.distro;

/** How far a failure may reach, the farthest first. Another cgroup or runtime is set up by other code. */
function reachesOf(attempt: Attempt): Box[] {
  if (attempt.kind === 'boot') return [{ distro: attempt.distro }];
  if (attempt.kind === 'set-up') return [{ distro: attempt.distro, cgroup: attempt.cgroup }];
  const { distro, cgroup, runtime, workload, strategy } = attempt.cell;
  const like = { distro, cgroup, runtime };
  return [like, { ...like, workload }, { ...like, strategy }, { ...like, workload, strategy }];
}

/**
 * What the machines of a run have failed at, and what need not be tried on more of them. Cells are given up together when
 * two machines, a fresh one among them, failed in them for the same reason, nothing was measured in any of them, and the
 * failures tell that the reason is theirs together: those of all workloads need failures of two workloads, those with all
 * strategies of two strategies. Attempts that were under way meanwhile are waited for, since one that works refutes it.
 */
export class Ledger {
  readonly #cells: readonly Cell[];
  readonly #onGivenUp: (given: GivenUp) => void;
  readonly #underWay = new Set<Attempt>();
  /** One attempt of each cell, set-up and distro in which one worked. */
  readonly #worked = new Map<string, Attempt>();
  readonly #failures: Failure[] = [];
  readonly #given: { readonly box: Box; readonly reason: string }[] = [];
  #proofs: Proof[] = [];

  /** `cells` are those that a run is to measure; `onGivenUp` is told once of each that is given up. */
  constructor(cells: readonly Cell[], onGivenUp: (given: GivenUp) => void) {
    this.#cells = cells;
    this.#onGivenUp = onGivenUp;
  }

  /** Why a cell is given up; null when it is not. */
  reasonFor(cell: Cell): string | null {
    return this.#given.find(({ box }) => contains(box, cell))?.reason ?? null;
  }

  begin(attempt: Attempt): Entry {
    this.#underWay.add(attempt);
    const end = (act: () => unknown): void => {
      if (!this.#underWay.delete(attempt)) return;
      act();
      this.#close(attempt);
    };
    return {
      worked: () => end(() => this.#worked.set(nameOf(attempt), attempt)),
      failed: (reason, isFresh) => end(() => this.#fail(attempt, reason, isFresh)),
      cannot: (reason) => end(() => this.#giveUp(reachesOf(attempt).at(-1)!, reason)),
      left: () => end(() => undefined),
    };
  }

  /**
   * Which of `cells` a fresh machine should try next to tell how far the failure of `cell` reaches: one that is as
   * different as can be. Undefined when that is known, since a trial like it was measured: then `cell` itself.
   */
  probe(cell: Cell, cells: readonly Cell[]): Cell | undefined {
    const [like] = reachesOf({ kind: 'trial', cell });
    if (this.#hasWorked('trial', like!)) return undefined;
    const failed = new Set(this.#failures.map(({ attempt }) => nameOf(attempt)));
    const distance = (other: Cell): number =>
      2 * Number(other.workload !== cell.workload) + Number(other.strategy !== cell.strategy);
    const [farthest] = cells
      .filter((other) => other.id !== cell.id && contains(like!, other) && !failed.has(other.id))
      .toSorted((a, b) => distance(b) - distance(a));
    return farthest;
  }

  #hasWorked(kind: Attempt['kind'], box: Box): boolean {
    return [...this.#worked.values()].some((one) => one.kind === kind && contains(box, placeOf(one)));
  }

  #fail(attempt: Attempt, reason: string, isFresh: boolean): void {
    const words = attempt.kind === 'trial' ? withoutName(reason, attempt.cell) : reason;
    const failure = { attempt, reason: words, pattern: patternOf(words), isFresh };
    this.#failures.push(failure);
    const box = reachesOf(attempt).find((one) => this.#isProved(one, failure));
    if (box === undefined) return;
    const waitsFor = [...this.#underWay].filter(
      (other) => other.kind === attempt.kind && contains(box, placeOf(other)),
    );
    this.#proofs.push({ box, of: failure, waitsFor: new Set(waitsFor) });
  }

  #failuresIn(box: Box, { attempt: { kind }, pattern }: Failure): Failure[] {
    return this.#failures.filter(
      (one) => one.attempt.kind === kind && one.pattern === pattern && contains(box, placeOf(one.attempt)),
    );
  }

  #isProved(box: Box, failure: Failure): boolean {
    const failures = this.#failuresIn(box, failure);
    if (failures.length < enough || !failures.some(({ isFresh }) => isFresh)) return false;
    if (this.#hasWorked(failure.attempt.kind, box)) return false;
    if (failure.attempt.kind !== 'trial') return true;
    const valuesOf = (axis: (typeof free)[number], places: readonly Box[]): number =>
      new Set(places.map((place) => place[axis])).size;
    const all = this.#cells.filter((cell) => contains(box, cell));
    const places = failures.map(({ attempt }) => placeOf(attempt));
    return free.every((axis) => valuesOf(axis, places) >= Math.min(enough, valuesOf(axis, all)));
  }

  /** An attempt is over: gives up what waited for it alone. */
  #close(attempt: Attempt): void {
    for (const { waitsFor } of this.#proofs) waitsFor.delete(attempt);
    const ripe = this.#proofs.filter(({ waitsFor }) => waitsFor.size === 0);
    this.#proofs = this.#proofs.filter(({ waitsFor }) => waitsFor.size > 0);
    for (const { box, of } of ripe) {
      if (!this.#isProved(box, of)) continue;
      const reasons = this.#failuresIn(box, of).map(({ reason }) => reason);
      this.#giveUp(box, of.attempt.kind === 'trial' ? sharedWords(reasons) : of.reason);
    }
  }

  #giveUp(box: Box, reason: string): void {
    const cells = this.#cells.filter((cell) => contains(box, cell) && this.reasonFor(cell) === null);
    if (cells.length === 0) return;
    this.#given.push({ box, reason });
    this.#onGivenUp({ cells, reason });
  }
}
