import { tmpdir } from 'node:os';
import { openVagrantLab } from '../lab/vagrant/lab.ts';
import type { VagrantWay } from '../matrix/matrix.ts';
import { matrixOf } from './machines.ts';

// A controller that boots one machine, reports it and waits to be killed.
const { signal } = new AbortController();
const matrix = matrixOf(`name: killed
distros: { box: { driver: vagrant, box: frostline/bookworm, cpus: 1 } }
cgroups: [v2]
workloads: [sleep]
strategies: { any: {} }`);
const lab = await openVagrantLab({
  ...{ run: 'killed', consoles: tmpdir(), allowLocal: false, signal },
  ...{ onWarning: () => undefined, onPreparing: () => () => undefined, onStep: () => () => undefined },
});
await lab.boot({ id: 'orphan', way: matrix.distros.get('box')!.ways[0] as VagrantWay, signal });
process.stdout.write('up\n');
setInterval(() => undefined, 60_000);
