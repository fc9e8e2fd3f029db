import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Does some work when its turn has come: of those who give the same name, one process of this host (its network
 * namespace) works at a time, and one caller in it. The turn is a socket without a file (unix(7), abstract), so that
 * it ends with its process, whatever ends that.
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

/** A server at the address; null when there is one already. */
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

/** Those who wait are connected to who holds it; the end of the connection is the end of the turn. */
function untilClosed(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.resume();
  });
}
