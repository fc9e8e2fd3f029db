import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Runs `work` under a lock: of all callers with the same name, in any process of this host (network namespace), one
 * works at a time. The lock is an abstract Unix socket (unix(7)), so that it is released when its process ends,
 * however it ends.
 */
export async function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  const path = `\0frostline-${name}`;
  for (;;) {
    const sockets = new Set<Socket>();
    const server = await listen(path, sockets);
    if (server === null) {
      await untilClosed(path);
      continue;
    }
    try {
      return await work();
    } finally {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    }
  }
}

/** A server at the address; null if another one listens there already. */
function listen(path: string, sockets: Set<Socket>): Promise<Server | null> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    );
    server.listen(path, () => resolve(server));
  });
}

/** Waiters connect to the holder of the lock; it is released when the connection closes. */
function untilClosed(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.resume();
  });
}
