import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { ExecutionContext } from 'ava';
import { createMiddleware, type Middleware, type MiddlewareOptions } from '../../src/embed/middleware.ts';
import type { HostLog } from '../../src/log/host-log.ts';
import { connectTo, type Peer } from './peer.ts';

export interface Host {
  readonly port: number;
  readonly url: string;
  readonly server: Server;
  readonly middleware: Middleware;
  /** A raw connection to it. */
  connect(): Promise<Peer>;
  /** Sends one request on a connection of its own and resolves with everything that comes back. */
  exchange(request: string): Promise<string>;
}

export type Handle = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => unknown;

/** Express and its like: a function of request and response to which others are added. */
export type App = RequestListener & {
  use(...given: readonly (string | Handle)[]): unknown;
  post(path: string, handle: Handle): unknown;
  get(path: string, handle: Handle): unknown;
};

const require = createRequire(import.meta.url);

/** An app of Express, without types of its own. */
export function express(name: 'express' | 'express4' = 'express'): App {
  return require(name)();
}

/** Body parser of Express. */
export function jsonParser(): Handle {
  return require('express').json();
}

/** The package `compression`. */
export function compression(): Handle {
  return require('compression')({ threshold: 0 });
}

/** Answers with method, target and the SHA-256 of the body, as a route of the host would. */
export async function answerAsHost(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const sum = createHash('sha256');
  for await (const chunk of request) sum.update(chunk);
  response.setHeader('X-Host', 'yes');
  response.end(`host ${request.method} ${request.url} ${sum.digest('hex')}`);
}

/** How a server takes the middleware in, with `answerAsHost` behind it for whatever is left. */
export const HOSTS = {
  'Express 5': async (handle: Handle) => {
    const app = express();
    app.use(handle);
    app.use(answerAsHost);
    return app;
  },
  'Express 4': async (handle: Handle) => {
    const app = express('express4');
    app.use(handle);
    app.use(answerAsHost);
    return app;
  },
  Connect: async (handle: Handle) => {
    const app: App = require('connect')();
    app.use(handle);
    app.use(answerAsHost);
    return app;
  },
  Polka: async (handle: Handle) => {
    const app: App & { handler: RequestListener } = require('polka')({ onNoMatch: answerAsHost });
    app.use(handle);
    return app.handler;
  },
  Fastify: async (handle: Handle) => {
    const { default: fastify } = await import('fastify');
    const { default: middie } = await import('@fastify/middie');
    const app = fastify();
    await app.register(middie);
    app.use(handle);
    // Fastify's own parser would read the body before the route does.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _body, done) => done(null));
    app.all('/*', (request, reply) => {
      reply.hijack();
      return answerAsHost(request.raw, reply.raw);
    });
    await app.ready();
    return (request, response) => app.routing(request, response);
  },
  'node:http': async (handle: Handle) => (request, response) => {
    void handle(request, response, () => void answerAsHost(request, response));
  },
} as const satisfies Readonly<Record<string, (handle: Handle) => Promise<RequestListener>>>;

/** Serves a site inside of somebody else's server, on a free port; all of it is closed when the test ends. */
export async function startHost(
  t: ExecutionContext,
  takeIn: (middleware: Middleware) => Promise<RequestListener> | RequestListener,
  options: MiddlewareOptions = {},
): Promise<Host> {
  const middleware = await openMiddleware(t, options);
  return serveHost(t, middleware, await takeIn(middleware));
}

/** What was told to the log of a middleware, with its level and message. */
export type Told = Readonly<Record<string, unknown>>;

/** A log that keeps what it is told. */
export function keepTold(told: Told[]): HostLog {
  const keep = (level: string) => (message: string, fields?: Told) => void told.push({ level, message, ...fields });
  return { info: keep('info'), warn: keep('warn'), error: keep('error') };
}

/** A middleware with settings for tests, which tells nobody anything unless it has a LOG_DIR. Closed when the test ends. */
export async function openMiddleware(t: ExecutionContext, options: MiddlewareOptions = {}): Promise<Middleware> {
  const { settings, ...rest } = options;
  const middleware = await createMiddleware({
    env: {},
    ...(!settings?.LOG_DIR && { log: keepTold([]) }),
    ...rest,
    settings: { DRAIN_TIMEOUT: '2s', ...settings },
  });
  t.teardown(() => middleware.close());
  return middleware;
}

/** Serves a listener in which the middleware is. */
export async function serveHost(t: ExecutionContext, middleware: Middleware, listener: RequestListener): Promise<Host> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as { port: number }; // a TCP server has one
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    server,
    middleware,
    connect: () => connectTo(t, port),
    async exchange(request) {
      const peer = await connectTo(t, port);
      peer.write(request);
      return peer.readToEnd();
    },
  };
}
