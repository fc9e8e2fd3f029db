import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FrostlineError } from '../errors.ts';
import type { TrialRecord } from './schema.ts';
import { cutTornTail } from './tail.ts';

/** An appended record that is not on disk yet. */
interface Pending {
  readonly bytes: Buffer;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Minimum interval between two writes with fsync; records that arrive meanwhile wait for the next one. */
const batchEveryMs = 200;

/**
 * The append-only file of a run's records. An append resolves when its record is on disk. Records collect while the
 * previous batch is written; each batch is one write and one fsync, 200 ms apart.
 *
 * When the disk is full or fails, the file is cut back to its last whole line, `failed` fires, and every later append
 * rejects with a 'results' error. The promise of `append` may be ignored: `failed` and `close` report its rejection
 * again.
 */
export class Journal implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #failure = new AbortController();
  readonly #closing = new AbortController();
  #size: number;
  #kept = 0;
  #pending: Pending[] = [];
  #writing: Promise<void> | undefined;

  private constructor(path: string, file: FileHandle, size: number) {
    this.path = path;
    this.#file = file;
    this.#size = size;
  }

  /** Opens or creates the file, and cuts off a line torn by a crash. The caller holds the run's lock. */
  static async open(path: string): Promise<Journal> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'a');
      await cutTornTail(path);
      const { size } = await file.stat();
      await syncFolder(dirname(path));
      return new Journal(path, file, size);
    } catch (error) {
      await file?.close();
      throw failure(path, error, 0);
    }
  }

  /** Aborted, with the error as its reason, when no more records can be stored. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** Appends a record; resolves when it is on disk, rejects when that fails. */
  append(record: TrialRecord): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
    const written = new Promise<void>((resolve, reject) => {
      if (this.failed.aborted) return reject(this.failed.reason);
      if (this.#closing.signal.aborted) return reject(new Error('append to a closed journal'));
      this.#pending.push({ bytes, resolve, reject });
      this.#writing ??= this.#writeBatches();
    });
    written.catch(() => undefined);
    return written;
  }

  /** Waits until everything is on disk and closes the file; rejects when some record could not be stored. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#writing;
    await this.#file.close();
    this.failed.throwIfAborted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #writeBatches(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      await this.#writeBatch(batch);
      if (this.failed.aborted) {
        for (const { reject } of this.#pending.splice(0)) reject(this.failed.reason);
        break;
      }
      await sleep(batchEveryMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
    this.#writing = undefined;
  }

  async #writeBatch(batch: readonly Pending[]): Promise<void> {
    const began = this.#size;
    let kept = 0;
    try {
      try {
        await this.#write(Buffer.concat(batch.map(({ bytes }) => bytes)));
      } catch (error) {
        kept = await this.#cutBack(batch, began);
        throw error;
      }
      // a failed fsync is never retried: the second one would report success for pages that were dropped
      // (https://lwn.net/Articles/752063/), so nothing of the batch is confirmed
      await this.#file.datasync();
      kept = batch.length;
    } catch (error) {
      this.#failure.abort(failure(this.path, error, this.#kept + kept));
    }
    this.#kept += kept;
    for (const [i, { resolve, reject }] of batch.entries()) {
      if (i < kept) resolve();
      else reject(this.failed.reason);
    }
  }

  /** On a nearly full disk a write may be partial without an error; writing the rest then fails. */
  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at);
      at += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  /**
   * After a failed write: cuts off the partial line and resolves with how many records of the batch are whole and on
   * disk. None count when the cut or its fsync fails as well.
   */
  async #cutBack(batch: readonly Pending[], began: number): Promise<number> {
    let whole = 0;
    let end = began;
    for (const { bytes } of batch) {
      if (end + bytes.length > this.#size) break;
      end += bytes.length;
      whole++;
    }
    try {
      await this.#file.truncate(end);
      await this.#file.datasync();
      this.#size = end;
      return whole;
    } catch {
      return 0;
    }
  }
}

const causes: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EIO: 'the disk reports an input/output error',
  EACCES: 'permission denied',
};

function failure(path: string, error: unknown, kept: number): FrostlineError {
  const { code, message } = error as NodeJS.ErrnoException;
  const cause = code === undefined ? message : `${causes[code] ?? message} (${code})`;
  return new FrostlineError(
    `${path}: records can no longer be written: ${cause}; ${kept} of this session are kept`,
    {
      code: 'results',
      todo: 'What is kept stays readable. Make room or repair the disk, then go on with --resume.',
      cause: error,
    },
  );
}

/** A new file's name is durable only after an fsync of its folder (fsync(2)). */
async function syncFolder(dir: string): Promise<void> {
  await using folder = await open(dir, 'r');
  await folder.sync().catch(() => undefined);
}
