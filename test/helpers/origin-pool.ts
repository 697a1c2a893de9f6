import type { ExecutionContext } from 'ava';
import type { Fault } from '../../src/contract/fault.ts';
import { type RequestHeadParts, toRequestHead } from '../../src/wire/head-text.ts';
import type { OriginCall, OriginHandler } from '../../src/wire/origin-call.ts';
import { OriginPool, type OriginPoolOptions } from '../../src/wire/origin-pool.ts';
import { until } from './until.ts';

/** Opens a pool for a port of this machine. Closed when the test ends. */
export function originPool(t: ExecutionContext, port: number, options: Partial<OriginPoolOptions> = {}): OriginPool {
  const pool = new OriginPool({
    host: '127.0.0.1',
    port,
    connections: 8,
    queue: 100,
    connectTimeoutMs: 10_000,
    firstByteTimeoutMs: 20_000,
    idleTimeoutMs: 20_000,
    keepAliveMs: 20_000,
    maxHeadBytes: 4096,
    maxHeaders: 50,
    ...options,
  });
  t.teardown(() => pool.close());
  return pool;
}

/** A call and its events. */
export interface Sent {
  readonly call: OriginCall;
  readonly events: readonly string[];
  readonly fault: Fault | undefined;
  /** Resolves with all events when the call has ended or failed. */
  ended(): Promise<string>;
}

/** Sends a GET, or `request`. `body` is written when there is a connection, and ended unless it is undefined. */
export function send(
  pool: OriginPool,
  request: Partial<RequestHeadParts> = {},
  more: Partial<OriginHandler> & { body?: string } = {},
): Sent {
  const events: string[] = [];
  let fault: Fault | undefined;
  let isOver = false;
  const over = (event: string): void => {
    expectNotOver(isOver, events, event);
    events.push(event);
    isOver = true;
  };
  const handler: OriginHandler = {
    connected: (connected) => (more.body === undefined ? undefined : connected.end(more.body)),
    bodyDrained: () => undefined,
    interim: ({ status }) => events.push(String(status)),
    head: ({ status }) => events.push(String(status)),
    data: (content) => events.push(content.toString('latin1')),
    end: (trailers) => over(`end${trailers.map((text) => ` ${text}`).join('')}`),
    failed: (reason) => {
      fault = reason;
      over(reason.code);
    },
    upgraded: () => over('upgraded'),
    ...more,
  };
  const parts = { method: 'GET', target: '/', headers: ['Host', 'a'], bodyBytes: 0, ...request };
  const { method, bodyBytes, upgrade } = parts;
  const headText = toRequestHead(parts);
  const call = pool.send({ method, headText, bodyBytes, mayUpgrade: upgrade !== undefined }, handler);
  return {
    call,
    events,
    get fault() {
      return fault;
    },
    async ended() {
      await until(() => isOver, `the end of a call: ${events.join(' ')}`);
      return events.join(' ');
    },
  };
}

function expectNotOver(isOver: boolean, events: readonly string[], event: string): void {
  if (isOver) throw new Error(`a call that was over got ${event} after ${events.join(' ')}`);
}
