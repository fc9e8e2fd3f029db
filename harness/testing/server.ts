import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on this host; it ends with what it is still asked. */
export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly base: string;
  /** `METHOD PATH` of each request, in order. */
  readonly asked: string[];
  /** What each path answers; others are 404. */
  readonly routes: Record<string, RequestListener>;
  /** Called with each request, before it is answered. */
  onRequest: (request: IncomingMessage) => void;
}

/** Starts one. */
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

/** Answers with a body, and to HEAD with its length. */
export const body =
  (content: string, headers: Record<string, string> = {}): RequestListener =>
  (request, response) => {
    response.writeHead(200, { 'content-length': Buffer.byteLength(content), ...headers });
    response.end(request.method === 'HEAD' ? undefined : content);
  };

/** Answers with a status alone. */
export const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    void response.writeHead(code, headers).end();
