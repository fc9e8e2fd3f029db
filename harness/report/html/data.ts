import type { CellState } from '../../analyse/state.ts';
import type { CellStatus } from '../status.ts';
import type { AxisName } from '../../matrix/axes.ts';

/** The data of an HTML page; the page only draws and decides nothing about trials. */
export type PageData = RunPage | TrendPage;

/** The index of a text in `texts`: stacks and reasons repeat in many cells. */
export type TextNumber = number;

/** A report of one run. */
export interface RunPage {
  readonly kind: 'run';
  readonly title: string;
  /** One line: is anything wrong? */
  readonly verdict: string;
  readonly exitCode: 0 | 1 | 69;
  readonly facts: readonly Fact[];
  /** The names on each axis, in the order of the matrix; cells refer to them by index. */
  readonly axes: Readonly<Record<AxisName, readonly string[]>>;
  /** Kernel releases of each distro. */
  readonly releases: readonly string[];
  readonly cells: readonly PageCell[];
  readonly notes: readonly { readonly title: string; readonly lines: readonly string[] }[];
  readonly texts: readonly string[];
}

export type Fact = readonly [name: string, value: string];

export interface PageCell {
  /** Index on each axis, in the order of `axisNames`. */
  readonly at: readonly [number, number, number, number, number];
  readonly state: CellState;
  readonly status: CellStatus['status'];
  /** Frozen and counted trials, rate, low, high; absent without a counted trial. */
  readonly rate?: readonly [frozen: number, trials: number, rate: number, low: number, high: number];
  /** Why there is no rate, in a word. */
  readonly none?: string;
  /** How many trials had frozen by when: alternating microseconds and numbers of trials. */
  readonly curve?: readonly number[];
  /** Further facts: pairs of name and value, both as indices into `texts`. */
  readonly facts: readonly (readonly [TextNumber, TextNumber])[];
  readonly causes?: readonly PageCause[];
  /** The end of the console log of a machine that was lost in this cell. */
  readonly console?: TextNumber;
}

/** What blocked some of a cell's freezes. */
export interface PageCause {
  readonly trials: number;
  readonly failed: number;
  /** Null: no rule matches. */
  readonly name: TextNumber | null;
  readonly why: TextNumber | null;
  readonly todo: TextNumber | null;
  /** A task that shows it: `comm, in D: wchan`. */
  readonly seen: TextNumber;
  readonly stack: TextNumber | null;
}

/** Rates of cells from run to run. */
export interface TrendPage {
  readonly kind: 'trend';
  readonly title: string;
  readonly cells: readonly { readonly cell: string; readonly points: readonly PagePoint[] }[];
  /** The number of cells left out for lack of room. */
  readonly left: number;
}

export interface PagePoint {
  readonly at: string;
  readonly frozen: number;
  readonly trials: number;
  readonly rate: number;
  readonly low: number;
  readonly high: number;
  /** The kernels of its guests, where they changed and at the first point; else null. */
  readonly kernel: string | null;
}
