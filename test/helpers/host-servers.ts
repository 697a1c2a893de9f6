import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { ExecutionContext } from 'ava';
import type { HostLog } from '../../src/contract/log.ts';
import { createMiddleware, type Middleware, type MiddlewareOptions } from '../../src/embed/middleware.ts';
import { listenOnPort } from './listen.ts';
import { connectTo, type Peer } from './peer.ts';

export interface Host {
  readonly port: number;
  readonly url: string;
  readonly server: Server;
  readonly middleware: Middleware;
  /** Opens a connection. */
  connect(): Promise<Peer>;
  /** Sends one request on a new connection and resolves with all received bytes. */
  exchange(request: string): Promise<string>;
}

export type Handle = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => unknown;

/** An app of Express or a similar framework: a request listener with methods that add handlers. */
export type App = RequestListener & {
  use(...given: readonly (string | Handle)[]): unknown;
  post(path: string, handle: Handle): unknown;
  get(path: string, handle: Handle): unknown;
};

const require = createRequire(import.meta.url);

/** Creates an app of Express. */
export function express(name: 'express' | 'express4' = 'express'): App {
  return require(name)();
}

/** Express's parser for JSON bodies. */
export function jsonParser(): Handle {
  return require('express').json();
}

/** The package `compression`. */
export function compression(): Handle {
  return require('compression')({ threshold: 0 });
}

/** A route of the host: answers with method, target and the SHA-256 of the body. */
export async function answerAsHost(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const sum = createHash('sha256');
  for await (const chunk of request) sum.update(chunk);
  response.setHeader('X-Host', 'yes');
  response.end(`host ${request.method} ${request.url} ${sum.digest('hex')}`);
}

/** Servers that use the middleware, with `answerAsHost` after it. */
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
    // Otherwise Fastify's parser would read the body before the route.
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

/** Serves a site as middleware of another server, on a free port. Everything is closed when the test ends. */
export async function startHost(
  t: ExecutionContext,
  toListener: (middleware: Middleware) => Promise<RequestListener> | RequestListener,
  options: MiddlewareOptions = {},
): Promise<Host> {
  const middleware = await openMiddleware(t, options);
  return serveHost(t, middleware, await toListener(middleware));
}

/** One message to the log of a middleware, with its level and details. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A log that adds its messages to `lines`. */
export function recordLog(lines: LogLine[]): HostLog {
  const record = (level: string) => (message: string, details?: LogLine) =>
    void lines.push({ level, message, ...details });
  return { info: record('info'), warn: record('warn'), error: record('error') };
}

/** Creates a middleware with settings for tests, which logs only with LOG_DIR. Closed when the test ends. */
export async function openMiddleware(t: ExecutionContext, options: MiddlewareOptions = {}): Promise<Middleware> {
  const { settings, ...rest } = options;
  const middleware = await createMiddleware({
    env: {},
    ...(!settings?.LOG_DIR && { log: recordLog([]) }),
    ...rest,
    settings: { DRAIN_TIMEOUT: '2s', ...settings },
  });
  t.teardown(() => middleware.close());
  return middleware;
}

/** Serves a request listener that calls the middleware. */
export async function serveHost(t: ExecutionContext, middleware: Middleware, listener: RequestListener): Promise<Host> {
  const server = createServer(listener);
  const port = await listenOnPort(t, server);
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
