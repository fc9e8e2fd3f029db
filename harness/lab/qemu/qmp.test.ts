import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Qmp } from './qmp.ts';

it('whose QEMU ends before it has read a command is closed, and nothing else', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'frostline-test-')), 'monitor');
  // unread data turns the close into a reset
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.write('{"QMP": {}}\n');
    void sleep(200).then(() => socket.destroy());
  });
  server.listen(path);
  await once(server, 'listening');
  await expect(Qmp.open(path)).rejects.toThrow('QEMU closed its monitor.');
  server.close();
});
