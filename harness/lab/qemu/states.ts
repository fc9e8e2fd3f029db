import { FrostlineError, sentence } from '../../errors.ts';
import type { StateChange } from '../machine.ts';
import type { Qmp } from './qmp.ts';

/** Long, since QEMU on a busy host is slow to answer. */
const controlMs = 30_000;
/** Upper bound on recorded changes per machine; more of them tell nothing new. */
const maxChanges = 1000;

const events: ReadonlySet<string> = new Set<StateChange['event']>([
  ...(['STOP', 'RESUME', 'SHUTDOWN', 'RESET', 'GUEST_PANICKED', 'WATCHDOG'] as const),
]);
const isChange = (name: string): name is StateChange['event'] => events.has(name);

/** Whether a machine runs, and who stopped or started it, from QMP events and from what frostline itself requested. */
export class RunStates {
  readonly #qmp: Qmp;
  readonly #changes: (Omit<StateChange, 'us'> & { readonly at: number })[] = [];
  /** The event that frostline has requested and QEMU has not confirmed yet. */
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

  /** Whether frostline has paused it. */
  get isStill(): boolean {
    return this.#isStill;
  }

  /** Why a pause or resume by frostline failed; null: none did. */
  get failed(): string | null {
    return this.#failed;
  }

  /** Stops the vCPUs. Rejects ('machine') when QEMU does not. */
  pause(): Promise<void> {
    this.#isStill = true;
    return this.#control('stop', 'STOP');
  }

  /** Resumes the vCPUs. Rejects ('machine') when QEMU does not. */
  resume(): Promise<void> {
    // set first: if this fails, nobody may wait for a sign of life forever
    this.#isStill = false;
    return this.#control('cont', 'RESUME');
  }

  async #control(command: string, event: StateChange['event']): Promise<void> {
    this.#asked = event;
    try {
      await this.#qmp.execute(command, {}, controlMs);
    } catch (cause) {
      // its state is unknown now, which must not be blamed on the guest
      this.#isStill = false;
      this.#failed ??= sentence(cause);
      throw new FrostlineError(this.#failed, { code: 'machine', cause });
    } finally {
      this.#asked = null;
    }
  }

  /** State changes since `start`, an instant of `performance.now()`. */
  since(start: number): StateChange[] {
    return this.#changes
      .filter(({ at }) => at >= start)
      .map(({ at, ...change }) => ({ ...change, us: Math.round((at - start) * 1000) }));
  }
}
