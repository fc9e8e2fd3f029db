import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { placeFile } from '../../base/files.ts';
import { self } from '../../base/owner.ts';
import type { VagrantProvider } from '../../matrix/matrix.ts';
import { give, makeHomes, type Account } from './account.ts';

/** The folder of the Vagrantfile and what it needs, in the checkout or the installed package. */
export const vagrantFiles = fileURLToPath(new URL('../../../vagrant', import.meta.url));

/** What vagrant/Vagrantfile reads from machine.json. */
export interface MachineFile {
  readonly run: string;
  readonly name: string;
  /** As `vagrant box list` prints it. */
  readonly box: string;
  readonly boxVersion: string | null;
  /** Vagrant's guest type; null: vagrant detects it. */
  readonly guest: string | null;
  readonly provider: VagrantProvider;
  readonly accel: 'kvm' | 'tcg';
  /** Null: the host's. */
  readonly cpuModel: string | null;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** The port of 127.0.0.1 that is forwarded to the machine's SSH. */
  readonly port: number;
  /** For a direct boot; null: the box's own boot loader. */
  readonly kernel: string | null;
  readonly initrd: string | null;
  readonly cmdline: string | null;
  readonly console: string;
  readonly bootTimeoutSeconds: number;
  readonly provision: readonly { readonly path: string; readonly args: readonly string[] }[];
}

/** A port of 127.0.0.1 that is free now. If something else takes it first, the machine's boot fails and is retried. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Makes a private folder for vagrant to work in, marked with its owner so that it is found after a crash. */
export async function makeMachineFolder(account: Account, run: string, machine: string): Promise<string> {
  const dir = await mkdtemp(join(account.base, 'vm-'));
  await writeFile(join(dir, 'owner.json'), JSON.stringify({ ...self(), run, machine }));
  await makeHomes(account, dir);
  // from here on the account may change what is in it
  await give(account, dir);
  return dir;
}

/** Writes what describes the machine of a folder; vagrant reads it at each command. */
export async function describeMachine(dir: string, file: MachineFile): Promise<void> {
  await placeFile(join(dir, 'machine.json'), `${JSON.stringify(file, null, 1)}\n`);
  await placeFile(join(dir, 'Vagrantfile'), await readFile(join(vagrantFiles, 'Vagrantfile')));
}
