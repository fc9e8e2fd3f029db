import { FrostlineError, sentence } from '../../errors.ts';
import type { StateChange } from '../machine.ts';
import type { Qmp } from './qmp.ts';

/** A host that is busy is slow to answer. */
const controlMs = 30_000;
/** More changes than that in one life tell nothing new. */
const maxChanges = 1000;

const events: ReadonlySet<string> = new Set<StateChange['event']>([
  ...(['STOP', 'RESUME', 'SHUTDOWN', 'RESET', 'GUEST_PANICKED', 'WATCHDOG'] as const),
]);
const isChange = (name: string): name is StateChange['event'] => events.has(name);

/** Whether a machine runs, and who stopped or started it: its monitor's events, and what frostline asked for itself. */
export class RunStates {
  readonly #qmp: Qmp;
  readonly #changes: (Omit<StateChange, 'us'> & { readonly at: number })[] = [];
  /** What was asked for and has not been answered yet. */
  #asked: StateChange['event'] | null = null;
  #isStill = false;
  #failed: string | null = null;

  constructor(qmp: Qmp) {
    this.#qmp = qmp;
    qmp.onEvent = (name, data) => {
      if (isChange(name) && this.#changes.length < maxChanges) this.#note(name, data);
    };
  }

  #note(event: StateChange['event'], data: Readonly<Record<string, unknown>>): void {
    const detail = [data['reason'], data['action']].filter((word) => typeof word === 'string').join(', ');
    const isOurs = this.#asked === event;
    this.#changes.push({ event, isOurs, detail: detail === '' ? null : detail, at: performance.now() });
  }

  /** Whether frostline holds it still. */
  get isStill(): boolean {
    return this.#isStill;
  }

  /** Why frostline could not stop it, or let it go on; null: it always could. */
  get failed(): string | null {
    return this.#failed;
  }

  /** Stops the vCPUs. Rejects ('machine') when QEMU does not. */
  pause(): Promise<void> {
    this.#isStill = true;
    return this.#control('stop', 'STOP');
  }

  /** Lets the vCPUs go on. Rejects ('machine') when QEMU does not. */
  resume(): Promise<void> {
    // said first: whoever waits for a sign of life must not wait for ever where this fails
    this.#isStill = false;
    return this.#control('cont', 'RESUME');
  }

  async #control(command: string, event: StateChange['event']): Promise<void> {
    this.#asked = event;
    try {
      await this.#qmp.execute(command, {}, controlMs);
    } catch (cause) {
      // nobody knows how it stands any more, and nobody may take that for the guest's doing
      this.#isStill = false;
      this.#failed ??= sentence(cause);
      throw new FrostlineError(this.#failed, { code: 'machine', cause });
    } finally {
      this.#asked = null;
    }
  }

  /** What has changed since an instant of `performance.now()`. */
  since(start: number): StateChange[] {
    return this.#changes
      .filter(({ at }) => at >= start)
      .map(({ at, ...change }) => ({ ...change, us: Math.round((at - start) * 1000) }));
  }
}
