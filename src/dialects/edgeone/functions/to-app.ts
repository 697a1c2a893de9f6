import { Fault } from '../../../contract/fault.ts';
import { WebRequest } from '../../../http/web-request.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import { type App, type AppCall, toAppContext } from './app.ts';
import { NodeApp, type NodeListener } from './node-app.ts';

/** The app that a module exports, by default or as `app`; undefined if there is none. */
export function toApp({ default: unnamed, app: named }: Readonly<Record<string, unknown>>): App | undefined {
  return recognise(unnamed) ?? recognise(named);
}

/**
 * Checks for methods and not for a class: the app may come from any copy and version of its
 * framework.
 */
function recognise(value: unknown): App | undefined {
  const listener = toListener(value);
  if (listener) return new NodeApp(listener);
  if (isNest(value)) return new NodeApp(onceReady(() => startNest(value)));
  return isFetcher(value) ? new FetchApp(value) : undefined;
}

function toListener(value: unknown): NodeListener | undefined {
  if (isExpress(value)) return value;
  if (isKoa(value)) return value.callback();
  if (isFastify(value)) return onceReady(() => startFastify(value));
  return undefined;
}

/** Express 4 and 5, connect. */
function isExpress(value: unknown): value is NodeListener {
  return typeof value === 'function' && 'handle' in value && 'use' in value;
}

function isKoa(value: unknown): value is { callback(): NodeListener } {
  return isObject(value) && typeof value.callback === 'function' && Array.isArray(value.middleware);
}

interface Fastify {
  ready(): PromiseLike<unknown>;
  readonly routing: NodeListener;
}

function isFastify(value: unknown): value is Fastify {
  return isObject(value) && typeof value.ready === 'function' && typeof value.routing === 'function';
}

interface Nest {
  init(): PromiseLike<unknown>;
  getHttpAdapter(): { getInstance(): unknown };
}

function isNest(value: unknown): value is Nest {
  return isObject(value) && typeof value.init === 'function' && typeof value.getHttpAdapter === 'function';
}

function isFetcher(value: unknown): value is Fetcher {
  return isObject(value) && typeof value.fetch === 'function';
}

async function startFastify(app: Fastify): Promise<NodeListener> {
  await app.ready();
  return app.routing;
}

/** Nest wraps an app of Express or Fastify. */
async function startNest(app: Nest): Promise<NodeListener> {
  await app.init();
  const wrapped = app.getHttpAdapter().getInstance();
  const listener = toListener(wrapped);
  if (!listener) throw new Error('the HTTP adapter of the app must be that of Express or Fastify');
  return listener;
}

/**
 * Starts an app at its first request, which waits for it. After a failed start the next request
 * tries again.
 */
function onceReady(start: () => Promise<NodeListener>): NodeListener {
  let starting: Promise<NodeListener> | undefined;
  return async (request, response) => {
    starting ??= start();
    try {
      return (await starting)(request, response);
    } catch (error) {
      starting = undefined;
      throw error;
    }
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** An app such as Hono's, which takes a Request and returns a Response. */
interface Fetcher {
  fetch(request: Request, env: unknown): unknown;
}

/**
 * An app with a `fetch` method. Its response is streamed as bytes and keeps each cookie; the
 * platform sends text and the last cookie only.
 */
class FetchApp implements App {
  readonly #fetcher: Fetcher;

  constructor(fetcher: Fetcher) {
    this.#fetcher = fetcher;
  }

  async serve(call: AppCall): Promise<void> {
    const whole = new WebRequest(call.exchange);
    const request = new Request(new URL(call.url, whole.url), whole);
    const { env } = toAppContext(call);
    const answer = await call.limits.inTime(call.exchange, Promise.resolve(this.#fetcher.fetch(request, env)));
    if (!isWebResponse(answer)) throw new Fault('function_bad_answer', { message: 'the app returned no Response' });
    await writeWebResponse(call.exchange, answer);
  }
}
