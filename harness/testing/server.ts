import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on this host; disposing it also ends open requests. */
export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly base: string;
  /** `METHOD PATH` of each request, in order. */
  readonly asked: string[];
  /** The handler of each path; other paths answer 404. */
  readonly routes: Record<string, RequestListener>;
  /** Called for each request before it is answered. */
  onRequest: (request: IncomingMessage) => void;
}

/** Starts a test server. */
export async function serve(routes: Record<string, RequestListener> = {}): Promise<TestServer> {
  const http = createServer((request, response) => {
    const { method = '', url = '' } = request;
    server.asked.push(`${method} ${url}`);
    server.onRequest(request);
    const route = server.routes[url];
    if (route === undefined) response.writeHead(404).end();
    else route(request, response);
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server: TestServer = {
    base: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked: [],
    routes,
    onRequest: () => undefined,
    [Symbol.asyncDispose]: async () => {
      http.close();
      http.closeAllConnections();
      await once(http, 'close');
    },
  };
  return server;
}

/** A handler that answers with a body, and to HEAD with its length. */
export const body =
  (content: string, headers: Record<string, string> = {}): RequestListener =>
  (request, response) => {
    response.writeHead(200, { 'content-length': Buffer.byteLength(content), ...headers });
    response.end(request.method === 'HEAD' ? undefined : content);
  };

/** A handler that answers with only a status. */
export const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    void response.writeHead(code, headers).end();
