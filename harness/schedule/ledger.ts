import type { CgroupVersion } from '../matrix/matrix.ts';
import type { Cell } from '../plan/cell.ts';
import { patternOf, sharedWords, withoutName } from '../trial/reason.ts';

/** What can fail on a machine because of the lab rather than the kernel under test. */
export type Attempt =
  | { readonly kind: 'boot'; readonly distro: string }
  | { readonly kind: 'set-up'; readonly distro: string; readonly cgroup: CgroupVersion }
  | { readonly kind: 'trial'; readonly cell: Cell };

/** An attempt under way. The first call records how it ended; later calls do nothing. */
export interface Entry {
  /** It succeeded: a machine came up, or a trial was measured. */
  worked(): void;
  /** It failed because of the lab, which costs the machine. `isFresh`: the machine was unused before. */
  failed(reason: string, isFresh: boolean): void;
  /** It failed, and would fail on any other machine. */
  cannot(reason: string): void;
  /** It ended without showing whether it works. */
  left(): void;
}

/** Cells given up for the same reason. */
export interface GivenUp {
  readonly cells: readonly Cell[];
  readonly reason: string;
}

/** The set of all cells that have these names on these axes. */
type Box = Partial<Omit<Cell, 'id'>>;

interface Failure {
  readonly attempt: Attempt;
  readonly reason: string;
  readonly pattern: string;
  readonly isFresh: boolean;
}

/** A box that is given up unless one of the attempts that were under way (`waitsFor`) succeeds. */
interface Proof {
  readonly box: Box;
  readonly of: Failure;
  readonly waitsFor: Set<Attempt>;
}

/** The number of machines that must fail for the same reason. */
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

/** The boxes that a failure may affect, largest first. None spans cgroups or runtimes: other code sets those up. */
function reachesOf(attempt: Attempt): Box[] {
  if (attempt.kind === 'boot') return [{ distro: attempt.distro }];
  if (attempt.kind === 'set-up') return [{ distro: attempt.distro, cgroup: attempt.cgroup }];
  const { distro, cgroup, runtime, workload, strategy } = attempt.cell;
  const like = { distro, cgroup, runtime };
  return [like, { ...like, workload }, { ...like, strategy }, { ...like, workload, strategy }];
}

/**
 * The failures of a run's machines, and what need not be tried on more of them. A box of cells is given up when two
 * machines, at least one of them fresh, failed in it for the same reason and nothing in it was measured. A box of all
 * workloads needs failures of two workloads; one of all strategies, of two strategies. Attempts in the box that are
 * still under way are waited for, since a success refutes the conclusion.
 */
export class Ledger {
  readonly #cells: readonly Cell[];
  readonly #onGivenUp: (given: GivenUp) => void;
  readonly #underWay = new Set<Attempt>();
  /** One successful attempt for each cell, setup and distro that has any. */
  readonly #worked = new Map<string, Attempt>();
  readonly #failures: Failure[] = [];
  readonly #given: { readonly box: Box; readonly reason: string }[] = [];
  #proofs: Proof[] = [];

  /** `cells` are those that the run is to measure; `onGivenUp` reports each cell that is given up once. */
  constructor(cells: readonly Cell[], onGivenUp: (given: GivenUp) => void) {
    this.#cells = cells;
    this.#onGivenUp = onGivenUp;
  }

  /** Why a cell was given up; null if it was not. */
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
   * Which of `cells` a fresh machine should try next, to find out how far the failure of `cell` reaches: the one that
   * differs most. Undefined: retry `cell` itself, since a trial like it was measured or no such cell is left.
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

  /** An attempt has ended: gives up the boxes that waited only for it, if they are still proved. */
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
