import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../../base/command.ts';
import type { MachineKeys } from '../../rootfs/keys.ts';

/** The user that cloud-init makes; it becomes root by sudo. */
export const seedUser = 'frostline';

/**
 * The configuration for cloud-init's first boot (its NoCloud data source): the key that may log in, the host key that
 * is pinned, and no other changes. JSON is YAML. In a form that cloud-init 0.7.9 of CentOS 7 understands.
 */
export const userData = (keys: MachineKeys): string =>
  `#cloud-config\n${JSON.stringify({
    users: [
      {
        name: seedUser,
        shell: '/bin/sh',
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
        ssh_authorized_keys: [keys.clientPublic],
      },
    ],
    ssh_deletekeys: true,
    ssh_genkeytypes: [],
    ssh_keys: {
      ed25519_private: keys.hostOpenssh,
      ed25519_public: `ssh-ed25519 ${keys.hostPublic.toString('base64')} frostline`,
    },
    // sudo looks up its own host name, and there is no DNS to answer
    manage_etc_hosts: 'localhost',
    ssh_pwauth: false,
    package_update: false,
    package_upgrade: false,
    growpart: { mode: 'off' },
    resize_rootfs: false,
  })}\n`;

/** Makes the seed: an ISO 9660 image that cloud-init recognizes by its label. */
export async function makeSeed(dir: string, keys: MachineKeys): Promise<string> {
  const metaData = {
    'instance-id': `frostline-${randomBytes(8).toString('hex')}`,
    'local-hostname': 'frostline',
  };
  const files = { 'user-data': userData(keys), 'meta-data': `${JSON.stringify(metaData)}\n` };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  const seed = join(dir, 'seed.iso');
  const options = ['--format', 'iso9660', '--options', 'iso9660:volume-id=cidata,rockridge=useful'];
  await command(['bsdtar', '-c', '-f', seed, ...options, '-C', dir, ...Object.keys(files)]);
  return seed;
}
