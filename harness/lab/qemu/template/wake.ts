import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { within } from '../../../base/deadline.ts';
import { FrostlineError } from '../../../errors.ts';
import type { MachineKeys } from '../../rootfs/keys.ts';

/** The socket of a machine's second serial line, in its folder. */
export const lineSocket = (dir: string): string => join(dir, 'line');

/** Leaves frostbite asleep on that line when it ends; what it says first goes to where it can be waited for. */
export const sleepCommand =
  'frostbite wake /dev/ttyS1 < /dev/null > /run/wake 2>&1 & for i in $(seq 500); do [ -s /run/wake ] && break; usleep 10000; done; cat /run/wake';

const wakeMs = 15_000;

/**
 * Makes a clone a machine of its own (harness/guest/wake.c): 512 bits for its random numbers, the time, its SSH
 * keys. Resolves to the boot id that its kernel drew then. Rejects with what the guest could not do.
 */
export async function wake(dir: string, keys: MachineKeys, signal: AbortSignal): Promise<string> {
  const socket = connect(lineSocket(dir));
  const said = new Promise<string>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('its line was closed')));
    createInterface({ input: socket }).once('line', resolve).on('error', reject);
  });
  try {
    socket.write(
      [
        `seed=${randomBytes(64).toString('hex')}`,
        `host=${keys.hostPrivate.toString('hex')}`,
        `client=${keys.clientPublic}`,
        // last, since the clock runs on while the rest is read
        `now=${Date.now() * 1000}`,
        '\n',
      ].join('\n'),
    );
    const answer = await within({ ms: wakeMs, what: 'A clone to wake', signal }, said);
    const boot = /^awake (\S+)$/.exec(answer)?.[1];
    if (boot !== undefined) return boot;
    throw new FrostlineError(`A clone did not wake: ${answer}`, { code: 'machine' });
  } finally {
    socket.destroy();
  }
}
