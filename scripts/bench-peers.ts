import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { drivers } from '../harness/lab/drivers.ts';
import type { QemuMachine } from '../harness/lab/qemu/machine.ts';
import type { KernelWay, VagrantWay } from '../harness/matrix/matrix.ts';
import { matrixOf, openTestLab, shiftOn } from '../harness/testing/machines.ts';
import { answering, median, seconds, timed } from './bench-machines.ts';
import type { Line } from './bench-records.ts';

const { signal } = new AbortController();
const rounds = 3;

/** Compares frostline with the alternatives: a shell loop over SSH, `vagrant up`, virtme-ng. */
export async function benchPeers(line: Line): Promise<void> {
  await benchLoops(line);
  await benchVagrant(line);
  await benchVirtme(line);
}

/** The same cgroup, process and freeze as in a trial of `sleep` with `single`, in the guest's shell. */
const freezeInShell = `d=/sys/fs/cgroup/freezer/loop; mkdir $d; sleep 1000 & echo $! > $d/cgroup.procs
echo FROZEN > $d/freezer.state; cat $d/freezer.state; echo THAWED > $d/freezer.state
kill $!; wait $! 2> /dev/null; rmdir $d`;

async function benchLoops(line: Line): Promise<void> {
  const trials = 40;
  const matrix = matrixOf(`name: loops
trials: ${trials}
machines: 1
distros: { guest: { driver: qemu, kernel: "deb:trixie" } }
cgroups: [v1]
workloads: [sleep]
strategies: { single: { preset: single } }`);
  const lab = await openTestLab();
  const way = matrix.distros.get('guest')!.ways[0] as KernelWay;
  await lab.prepare(way);
  let began = 0;
  await shiftOn<KernelWay, QemuMachine>(lab, way, matrix, () => (began = performance.now()));
  const own = (performance.now() - began) / trials;
  line('a trial of sleep, frostline (6.12)', `${own.toFixed(1)} ms`, 'with its witness of 20 ms');
  await using machine = await answering(lab.boot({ id: 'loop', way, signal }));
  const inGuest = await each(trials, () =>
    machine.exec(`for i in $(seq ${trials}); do ${freezeInShell}; done`, 600_000),
  );
  line('  the same freeze by a loop in its shell', `${inGuest.toFixed(1)} ms`, compared(inGuest, own));
  if (spawnSync('ssh', ['-V']).error !== undefined)
    return line('  by a shell loop over SSH', 'left out', 'ssh is not installed');
  const bySsh = await overSsh(machine, trials);
  line('  by a shell loop over SSH', `${bySsh.toFixed(1)} ms`, compared(bySsh, own));
}

const compared = (other: number, own: number): string => `${(other / own).toFixed(1)} times as long`;

async function each(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / count;
}

/** One `ssh` per trial, as scripts do it. */
async function overSsh({ endpoint }: QemuMachine, trials: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'frostline-bench-'));
  try {
    const key = join(dir, 'key');
    writeFileSync(key, endpoint.privateKey, { mode: 0o600 });
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
    const words = [
      ...options.flatMap((option) => ['-o', option]),
      ...['-i', key, '-p', String(endpoint.port), 'root@127.0.0.1', freezeInShell],
    ];
    return await each(trials, async () => {
      for (let i = 0; i < trials; i++) await promisify(execFile)('ssh', words);
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** `vagrant up` of a locally built box, beside the same Debian kernel on frostline's own root. */
async function benchVagrant(line: Line): Promise<void> {
  const what = 'vagrant up of frostline/bookworm to the first command';
  if (spawnSync('vagrant', ['--version']).error !== undefined)
    return line(what, 'left out', 'scripts/setup-vagrant installs vagrant');
  const distros = matrixOf(`name: peers
distros:
  box: { driver: vagrant, box: frostline/bookworm }
  own: { driver: qemu, kernel: "deb:bookworm" }
cgroups: [v2]
workloads: [sleep]
strategies: { v2: { preset: v2 } }`).distros;
  const consoles = mkdtempSync(join(tmpdir(), 'frostline-bench-'));
  try {
    const context = {
      ...{ run: 'bench', consoles, allowLocal: false, signal },
      ...{ onWarning: () => undefined, onPreparing: () => () => undefined, onStep: () => () => undefined },
    };
    const vagrant = await drivers.vagrant(context);
    const lab = await drivers.qemu(context);
    const box = distros.get('box')!.ways[0] as VagrantWay;
    const way = distros.get('own')!.ways[0] as KernelWay;
    await vagrant.prepare(box);
    await lab.prepare(way);
    const times = { up: [] as number[], clone: [] as number[] };
    await timed(() => lab.boot({ id: 'made', way, template: 0, signal }));
    for (let i = 0; i < rounds; i++) {
      times.up.push(await timed(() => answering(vagrant.boot({ id: `v${i}`, way: box, signal }))));
      times.clone.push(await timed(() => answering(lab.boot({ id: `o${i}`, way, template: 0, signal }))));
    }
    const [up, clone] = [median(times.up), median(times.clone)];
    line(what, seconds(up), 'no bound');
    line('  a template of the same kernel', seconds(clone), `${(up / clone).toFixed(0)} times as fast`);
  } finally {
    rmSync(consoles, { recursive: true, force: true });
  }
}

/** virtme-ng boots a kernel with installed modules on this host's own files. */
async function benchVirtme(line: Line): Promise<void> {
  const what = 'virtme-ng to the first command';
  if (spawnSync('vng', ['--version']).error !== undefined)
    return line(what, 'left out', 'vng is not installed: Debian has it from 13 on');
  const release = readdirSync('/boot')
    .filter((name) => name.startsWith('vmlinuz-'))
    .map((name) => name.replace('vmlinuz-', ''))
    .findLast((name) => existsSync(`/lib/modules/${name}`));
  if (release === undefined)
    return line(what, 'left out', 'no kernel is installed with its modules: linux-image-cloud-amd64');
  const image = `/boot/vmlinuz-${release}`;
  const matrix = matrixOf(`name: peers
distros: { guest: { driver: qemu, kernel: "path:${image},modules=/lib/modules/${release}" } }
cgroups: [v1]
workloads: [sleep]
strategies: { single: { preset: single } }`);
  const way = matrix.distros.get('guest')!.ways[0] as KernelWay;
  const lab = await openTestLab();
  await lab.prepare(way);
  const times = { vng: [] as number[], cold: [] as number[], clone: [] as number[] };
  await timed(() => lab.boot({ id: 'made', way, template: 0, signal }));
  const words = [
    '--run',
    image,
    '--disable-kvm',
    '--disable-microvm',
    '--cpus',
    '2',
    '--memory',
    '512M',
    '--user',
    'root',
    '--',
    'uname',
    '-r',
  ];
  for (let i = 0; i < rounds; i++) {
    times.vng.push(
      await each(1, async () => execFileSync('vng', words, { stdio: ['ignore', 'pipe', 'ignore'] })),
    );
    times.cold.push(await timed(() => answering(lab.boot({ id: `b${i}`, way, signal }))));
    times.clone.push(await timed(() => answering(lab.boot({ id: `c${i}`, way, template: 0, signal }))));
  }
  const [vng, cold, clone] = [median(times.vng), median(times.cold), median(times.clone)];
  line(`${what} and down (${release})`, seconds(vng), 'no bound');
  line('  frostline, cold boot', seconds(cold), `${(vng / cold).toFixed(1)} times as fast`);
  line('  frostline, template', seconds(clone), `${(vng / clone).toFixed(1)} times as fast`);
}
