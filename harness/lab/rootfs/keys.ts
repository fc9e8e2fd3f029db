import { generateKeyPairSync } from 'node:crypto';

/** SSH keys of one machine, which do not outlive it. */
export interface MachineKeys {
  /** Client key: PEM for the harness, `ssh-ed25519 AAAA...` for authorized_keys. */
  readonly clientPrivate: string;
  readonly clientPublic: string;
  /** Host key in dropbear's own format and as OpenSSH has it, and its public blob to pin (RFC 8709). */
  readonly hostPrivate: Buffer;
  readonly hostOpenssh: string;
  readonly hostPublic: Buffer;
}

/** A length-prefixed string of the SSH wire format (RFC 4251, section 5). */
function sshString(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function ed25519(): { seed: Buffer; point: Buffer } {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { d, x } = privateKey.export({ format: 'jwk' });
  return { seed: Buffer.from(d!, 'base64url'), point: Buffer.from(x!, 'base64url') };
}

const publicBlob = (point: Buffer): Buffer => Buffer.concat([sshString('ssh-ed25519'), sshString(point)]);

/** An OpenSSH private key file, unencrypted (OpenSSH's PROTOCOL.key). */
function opensshPrivate(seed: Buffer, point: Buffer): string {
  const check = Buffer.alloc(8, 0x17);
  const secret = Buffer.concat([
    check,
    sshString('ssh-ed25519'),
    sshString(point),
    sshString(Buffer.concat([seed, point])),
    sshString('frostline'),
  ]);
  const padding = Buffer.from([...Array(8 - (secret.length % 8)).keys()].map((i) => i + 1));
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    Buffer.from([0, 0, 0, 1]),
    sshString(publicBlob(point)),
    sshString(Buffer.concat([secret, padding])),
  ]);
  const lines = body
    .toString('base64')
    .match(/.{1,70}/g)!
    .join('\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** Makes an ed25519 client key pair and host key. */
export function makeKeys(): MachineKeys {
  const client = ed25519();
  const host = ed25519();
  return {
    clientPrivate: opensshPrivate(client.seed, client.point),
    clientPublic: `ssh-ed25519 ${publicBlob(client.point).toString('base64')} frostline`,
    // dropbear's signkey.c: the name, then seed and public point as one string
    hostPrivate: Buffer.concat([sshString('ssh-ed25519'), sshString(Buffer.concat([host.seed, host.point]))]),
    hostOpenssh: opensshPrivate(host.seed, host.point),
    hostPublic: publicBlob(host.point),
  };
}
