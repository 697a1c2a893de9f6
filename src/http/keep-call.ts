import { EventEmitter } from 'node:events';
import type { Exchange } from '../contract/exchange.ts';
import type { SiteCode } from '../contract/site-code.ts';
import { currentCall, currentCode, runFor } from '../process/site-calls.ts';

/**
 * Events of Node's request and response are emitted by their connection, outside of any call. From now on their listeners run for this exchange, unless
 * the event comes from code of a call.
 */
export function keepCall(exchange: Exchange): void {
  const { request, response } = exchange.node;
  keepCallOf(exchange, request);
  keepCallOf(exchange, response);
}

/** Undoes the last `keepCall`. */
export function releaseCall(exchange: Exchange): void {
  const { request, response } = exchange.node;
  releaseCallOf(request);
  releaseCallOf(response);
}

const KEPT = Symbol('kept');

interface Kept {
  readonly exchange: Exchange;
  readonly emit: EventEmitter['emit'];
  readonly before: Kept | undefined;
  readonly code: SiteCode | undefined;
}

interface KeptEmitter extends EventEmitter {
  [KEPT]?: Kept | undefined;
}

function keepCallOf(exchange: Exchange, emitter: KeptEmitter): void {
  const { emit, [KEPT]: before } = emitter;
  emitter[KEPT] = { exchange, emit: before?.emit ?? emit, before, code: currentCode() };
  // The same function for all; see `WriteGuard`.
  emitter.emit = emitForCall;
}

function releaseCallOf(emitter: KeptEmitter): void {
  const kept = emitter[KEPT];
  if (!kept) return;
  emitter[KEPT] = kept.before;
  if (kept.before) return;
  // Not deleted, if it was the prototype's: V8 would make a dictionary of the emitter.
  emitter.emit = kept.emit;
}

const { emit: EMIT } = EventEmitter.prototype;

function emitForCall(this: KeptEmitter, ...given: Parameters<EventEmitter['emit']>): boolean {
  const { exchange, emit, code } = this[KEPT] as Kept; // set before this method is
  // Of an event without a listener, of which a response has several, no code of the site runs. An error is thrown then.
  const isUnheard = emit === EMIT && given[0] !== 'error' && this.listenerCount(given[0]) === 0;
  if (isUnheard || currentCall()) return Reflect.apply(emit, this, given);
  return runFor(exchange, () => Reflect.apply(emit, this, given), code);
}
