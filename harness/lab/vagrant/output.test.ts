import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { failure, find, parseBoxes, parseOutput, parseSshConfig } from './output.ts';

// Recorded from Vagrant 2.3.4 with vagrant-libvirt 0.11.2 (Debian 12), libvirt 9.0 in session mode, and a box of
// scripts/build-box. fixtures/README.md lists the commands.
const recorded = (name: string): string =>
  readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), 'utf8');

describe('the output of vagrant', () => {
  it('has the state of a machine', () => {
    expect(find(parseOutput(recorded('status')), 'state')).toBe('running');
  });

  it('is told by machine, with its commas and line breaks', () => {
    const lines = parseOutput(recorded('status'));
    expect(lines[0]).toEqual({ target: 'm1', type: 'metadata', data: ['provider', 'libvirt'] });
    expect(find(lines, 'state-human-long')).toBe(
      'The Libvirt domain is running. To stop this machine, you can run\n`vagrant halt`. To destroy the machine, you can run `vagrant destroy`.',
    );
    expect(lines.at(-1)?.target).toBeNull();
  });

  it('of `up` ends with its action, and tells of no failure', () => {
    const lines = parseOutput(recorded('up'));
    expect(lines.at(-1)).toEqual({ target: 'm1', type: 'action', data: ['up', 'end'] });
    expect(failure(lines)).toBeUndefined();
  });

  it('says why a command failed', () => {
    expect(failure(parseOutput(recorded('no-snapshot')))).toBe(
      'The snapshot name `nosuch` was not found for the\nvirtual machine `m1`.',
    );
    expect(failure(parseOutput(recorded('bad-emulator')))).toMatch(
      /^Error while creating domain: .* An error occurred, but the cause is unknown$/,
    );
  });

  it('may hold lines that are not of its form', () => {
    expect(parseOutput('Host m1\n\n  Port 1,2,3\n')).toEqual([]);
  });

  it('lists boxes', () => {
    expect(parseBoxes(parseOutput(recorded('box-list')))).toEqual([
      { name: 'frostline-bookworm', version: '0', provider: 'libvirt' },
    ]);
  });
});

describe('ssh-config', () => {
  it('says where SSH answers', () => {
    const text = find(parseOutput(recorded('ssh-config')), 'ssh-config') ?? '';
    expect(parseSshConfig(text)).toEqual({
      host: '127.0.0.1',
      port: 22501,
      user: 'vagrant',
      keyFile: '/var/lib/frostline-vagrant/vm-hand/.vagrant/machines/m1/libvirt/private_key',
    });
  });

  it('is nothing when something is missing', () => {
    expect(parseSshConfig('Host m1\n  HostName 127.0.0.1\n  User vagrant\n')).toBeUndefined();
  });

  it('may quote a path', () => {
    const text = 'HostName a\nUser b\nPort 22\nIdentityFile "/a b/key"\n';
    expect(parseSshConfig(text)?.keyFile).toBe('/a b/key');
  });
});
