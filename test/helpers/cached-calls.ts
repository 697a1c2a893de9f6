import type { Socket } from 'node:net';
import { Exchange } from '../../src/contract/exchange.ts';
import { findHeader } from '../../src/contract/header-list.ts';
import type { Content, IncomingRequest } from '../../src/contract/http-message.ts';
import { PendingWork } from '../../src/contract/pending-work.ts';
import { CapturedResponse } from '../../src/http/captured-response.ts';
import { NO_BODY } from '../../src/wire/client-body.ts';
import type { CachedPage } from './cached-server.ts';

export interface CachedCall {
  readonly method?: string;
  readonly path: string;
  /** Flat. */
  readonly headers?: readonly string[];
  /** See `Exchange.passes`. */
  readonly passes?: number;
}

export interface CachedReply {
  readonly status: number;
  /** Flat. */
  readonly headers: readonly string[];
  /** In latin1. */
  readonly body: string;
}

/** Requests to a cached page in this process, without connections: a hundred times as many in the same time. Rejects with the fault of the target. */
export async function callCached({ target }: CachedPage, call: CachedCall): Promise<CachedReply> {
  const { promise, resolve, reject } = Promise.withResolvers<CachedReply>();
  const pieces: Content[] = [];
  const response = new CapturedResponse({
    headCaptured: () => queueMicrotask(() => response.passTo(reader)),
    cut: () => reject(exchange.fault ?? new Error('the response was cut')),
  });
  const reader = {
    takesAtOnce: true,
    write: (content: Content) => pieces.push(content) > 0,
    end: (content: Content) => {
      const body = [...pieces, content].map((piece) => Buffer.from(piece).toString('latin1')).join('');
      resolve({ status: response.status, headers: response.headers, body });
    },
    abort: () => reject(new Error('the response was cut after its head')),
  };
  const exchange = new Exchange({ ...PARTS, request: new CalledRequest(call), response });
  exchange.passes = call.passes ?? 0;
  response.listen(exchange);
  exchange.answeredBy = target.name;
  exchange.callEnder = { failCall: (_exchange, error) => reject(error), endCall: () => false };
  try {
    if (!target.answerAtOnce?.(exchange, {})) await target.answer(exchange, {});
  } catch (error) {
    reject(error);
  }
  return promise;
}

/** All work that goes on after responses. */
export const pendingWork = new PendingWork(() => {});

const PARTS = {
  client: { address: '127.0.0.1', proto: 'http', trusted: false },
  requestId: { value: 'id-of-this', name: 'x-request-id', made: true },
  pendingWork,
  startedAtMs: 0,
  onClosed: () => {},
} as const;

class CalledRequest implements IncomingRequest {
  readonly method: string;
  readonly target: string;
  readonly minor = 1;
  readonly host = 'a.test';
  readonly hasUnderscoreName = false;
  readonly connection = undefined;
  readonly upgrade = undefined;
  readonly body = NO_BODY;
  // No code of the path reads it.
  readonly socket = {} as Socket;
  headers: readonly string[];

  constructor({ method = 'GET', path, headers = [] }: CachedCall) {
    this.method = method;
    this.target = path;
    this.headers = ['Host', this.host, ...headers];
  }

  get(name: string): string | undefined {
    return findHeader(this.headers, name);
  }

  replaceHeaders(headers: readonly string[]): void {
    this.headers = headers;
  }
}
