import type { EventEmitter } from 'node:events';
import type { Exchange } from '../contract/exchange.ts';
import { currentCall, runFor } from '../process/site-calls.ts';

/**
 * Events of Node's request and response come from their connection, which works for no call. From now on their listeners run for this exchange, unless
 * the event comes from code of a call. Returns how to take that back.
 */
export function keepCall(exchange: Exchange): () => void {
  const { request, response } = exchange.node;
  const undo = [keepCallOf(exchange, request), keepCallOf(exchange, response)];
  return () => {
    for (const each of undo) each();
  };
}

const KEPT = Symbol('kept');

interface Kept {
  readonly exchange: Exchange;
  readonly emit: EventEmitter['emit'];
}

interface KeptEmitter extends EventEmitter {
  [KEPT]?: Kept | undefined;
}

function keepCallOf(exchange: Exchange, emitter: KeptEmitter): () => void {
  const hasOwn = Object.hasOwn(emitter, 'emit');
  const { emit, [KEPT]: before } = emitter;
  emitter[KEPT] = { exchange, emit: before?.emit ?? emit };
  // The same function for all; see `WriteGuard`.
  emitter.emit = emitForCall;
  return () => {
    emitter[KEPT] = before;
    if (hasOwn) emitter.emit = emit;
    else Reflect.deleteProperty(emitter, 'emit');
  };
}

function emitForCall(this: KeptEmitter, ...given: Parameters<EventEmitter['emit']>): boolean {
  const { exchange, emit } = this[KEPT] as Kept; // set before this method is
  if (currentCall()) return Reflect.apply(emit, this, given);
  return runFor(exchange, () => Reflect.apply(emit, this, given));
}
