import { createHash, createHmac } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { FrostlineError } from '../../errors.ts';
import type { SshWay } from '../../matrix/matrix.ts';

const failed = (message: string, todo: string): FrostlineError =>
  new FrostlineError(message, { code: 'host', todo });

/** A host key's fingerprint as OpenSSH prints it. */
export const fingerprint = (blob: Buffer): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;

/** The private key of a way; null: an agent has it. Rejects ('host') if others can read it or it has a passphrase. */
export async function readKey({ key }: SshWay): Promise<string | null> {
  if (key === null) {
    if (process.env['SSH_AUTH_SOCK']) return null;
    throw failed(
      'No `key` is given, and no agent is running (SSH_AUTH_SOCK).',
      'Name the file of a private key.',
    );
  }
  const { mode } = await stat(key).catch((cause: unknown) => {
    throw failed(`${key} cannot be read: ${String(cause)}`, 'Name the file of a private key.');
  });
  if ((mode & 0o077) !== 0)
    throw failed(`${key} can be read by others (mode ${(mode & 0o777).toString(8)}).`, `chmod 600 ${key}`);
  const text = await readFile(key, 'utf8');
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(text))
    throw failed(`${key} is no private key.`, 'Name the file without .pub.');
  if (hasPassphrase(text))
    throw failed(
      `${key} has a passphrase.`,
      'Leave `key` out and add it to an agent (ssh-add), or make one without.',
    );
  return text;
}

/** OpenSSH's own format names its cipher first (PROTOCOL.key); PEM has a header or a type of its own. */
function hasPassphrase(text: string): boolean {
  if (/ENCRYPTED/.test(text)) return true;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text)?.[1];
  if (body === undefined) return false;
  const bytes = Buffer.from(body.replace(/\s/g, ''), 'base64');
  const start = 'openssh-key-v1\0'.length;
  return bytes.subarray(start + 4, start + 4 + bytes.readUInt32BE(start)).toString() !== 'none';
}

/** The keys that a host may answer with. Rejects ('host') when none is known: an unknown key is never accepted. */
export async function knownKeys(way: SshWay, home = homedir()): Promise<Buffer[]> {
  if (way.hostKey !== null) return [Buffer.from(way.hostKey.split(' ')[1]!, 'base64')];
  const file = join(home, '.ssh/known_hosts');
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const found = lines.flatMap((line) => {
    const [hosts = '', type = '', key = ''] = line.trim().split(/\s+/);
    // @cert-authority and @revoked lines begin with a word of their own, comments with #
    const fits = !/^[#@]/.test(hosts) && hosts.split(',').some((one) => isHost(one, way));
    return fits && type !== '' ? [Buffer.from(key, 'base64')] : [];
  });
  if (found.length > 0) return found;
  throw failed(
    `The key of ${way.host}:${way.port} is not known: there is no \`hostKey\`, and ${file} does not have it.`,
    'Write `hostKey:` with the line of /etc/ssh/ssh_host_ed25519_key.pub on that host.',
  );
}

/** sshd(8): `host`, `[host]:port`, or a hashed `|1|SALT|HMAC` of either. */
function isHost(entry: string, { host, port }: SshWay): boolean {
  const name = port === 22 ? host : `[${host}]:${port}`;
  const [, version, salt = '', hash] = entry.split('|');
  if (version !== '1') return entry === name;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}
