/**
 * Whether rates from templates equal those of booted machines, and whether machines from one template differ as much as
 * boots do. Each way gets that many machines (boots) with that many trials each, alternating with the other ways, so
 * that all see the same load on the host.
 *
 * npx tsx scripts/measure-templates.ts [--kernel deb:trixie] [--boots 10] [--trials 20] [--ways cold,templates]
 *
 * cold       booted
 * bzimage    booted as firmware would: the kernel decompresses itself to a random address (KASLR)
 * templates  each machine from a template of its own
 * one        all machines from one template
 * stirred    as `one`, then stirred: processes, memory and CPU hot-plug, by random numbers of the clone's own
 */
import { parseArgs } from 'node:util';
import { testBoots } from '../harness/analyse/boots.ts';
import { intraClass, type Cluster } from '../harness/analyse/interval.ts';
import { countedOutcomes, isSuccess } from '../harness/trial/outcome.ts';
import type { KernelWay } from '../harness/matrix/matrix.ts';
import { matrixOf, openTestLab, shiftOn } from '../harness/testing/machines.ts';
import { openImageLab } from './bench-machines.ts';

const { values } = parseArgs({
  options: {
    kernel: { type: 'string', default: 'deb:trixie' },
    boots: { type: 'string', default: '10' },
    trials: { type: 'string', default: '20' },
    ways: { type: 'string', default: 'cold,bzimage,templates,one,stirred' },
  },
});
const boots = Number(values.boots);

/**
 * Takes some 0.1 to 0.6 s in the guest: starts processes, allocates and frees pages, takes the second CPU offline and
 * online.
 */
const stir = `n=$(od -An -N2 -tu2 /dev/urandom); i=$((n % 40))
while [ $((i -= 1)) -gt 0 ]; do /bin/frostbite exit; done
dd if=/dev/urandom of=/dev/shm/stir bs=64k count=$((n % 61 + 3)) 2> /dev/null; rm /dev/shm/stir
echo 0 > /sys/devices/system/cpu/cpu1/online; usleep $((n * 3)); echo 1 > /sys/devices/system/cpu/cpu1/online`;

const ways = {
  cold: () => ({}),
  bzimage: () => ({}),
  templates: (boot: number) => ({ template: boot }),
  one: () => ({ template: 0 }),
  stirred: () => ({ template: 0 }),
} as const;
type Name = keyof typeof ways;
const asked = values.ways.split(',');
const names = (Object.keys(ways) as Name[]).filter((name) => asked.includes(name));

const matrix = matrixOf(`name: templates
trials: ${Number(values.trials)}
machines: 1
distros: { guest: { driver: qemu, kernel: "${values.kernel}" } }
cgroups: [v1]
workloads: [vfork-exec-storm, mt-exec-storm]
strategies: { single: { preset: single, deadline: 500ms } }`);

const way = matrix.distros.get('guest')!.ways[0] as KernelWay;
const lab = await openTestLab();
await lab.prepare(way);
const imageLab = await openImageLab(way);
const clusters = new Map<string, Record<Name, Cluster[]>>();

async function measure(name: Name, boot: number): Promise<void> {
  const log = await shiftOn(
    {
      boot: async (request: Parameters<typeof lab.boot>[0]) => {
        const from = name === 'bzimage' ? imageLab : lab;
        const machine = await from.boot({ ...request, ...ways[name](boot) });
        if (name === 'stirred') await machine.exec(stir, 60_000);
        return machine;
      },
    },
    way,
    matrix,
  );
  for (const cell of new Set(log.trials.map((trial) => trial.cell))) {
    const counted = log.trials.filter((trial) => trial.cell === cell && countedOutcomes.has(trial.outcome));
    const frozen = counted.filter(({ outcome }) => isSuccess(outcome)).length;
    const known = clusters.get(cell) ?? { cold: [], bzimage: [], templates: [], one: [], stirred: [] };
    known[name].push({ frozen, trials: counted.length });
    clusters.set(cell, known);
  }
}

for (let boot = 0; boot < boots; boot++) {
  for (const name of names) {
    await measure(name, boot);
    process.stderr.write(`${name} ${boot + 1}/${boots}\n`);
  }
}

process.stdout.write(`${lab.description}, ${values.kernel}: ${boots} machines a way\n`);
for (const [cell, of] of clusters) {
  process.stdout.write(`\n${cell}\n`);
  for (const name of names) {
    const [frozen, trials] = (['frozen', 'trials'] as const).map((key) =>
      of[name].reduce((sum, one) => sum + one[key], 0),
    );
    const p = name === 'cold' || of.cold.length === 0 ? null : testBoots(of.cold, of[name]);
    const figures = [
      `${frozen}/${trials}`.padStart(8),
      `intra-class correlation ${(intraClass(of[name]) ?? Number.NaN).toFixed(2)}`,
      p === null ? '' : `p against cold ${p.toFixed(3)}`,
      `by machine ${of[name].map((one) => one.frozen).join(' ')}`,
    ];
    process.stdout.write(`  ${name.padEnd(10)}${figures.filter(Boolean).join('   ')}\n`);
  }
}
