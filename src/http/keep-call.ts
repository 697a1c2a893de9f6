import type { EventEmitter } from 'node:events';
import type { Exchange } from '../contract/exchange.ts';
import { currentCall, runFor } from '../process/site-calls.ts';

/**
 * Events of a request and its response come from their connection, which works for no call. From now on their listeners run for this exchange, unless the
 * event comes from code of a call. Returns how to take that back.
 */
export function keepCall(exchange: Exchange): () => void {
  const undo = [keepCallOf(exchange, exchange.request), keepCallOf(exchange, exchange.response)];
  return () => {
    for (const each of undo) each();
  };
}

function keepCallOf(exchange: Exchange, emitter: EventEmitter): () => void {
  const hasOwn = Object.hasOwn(emitter, 'emit');
  const { emit } = emitter;
  emitter.emit = (...given) => {
    if (currentCall()) return Reflect.apply(emit, emitter, given);
    return runFor(exchange, () => Reflect.apply(emit, emitter, given));
  };
  return () => {
    if (hasOwn) emitter.emit = emit;
    else Reflect.deleteProperty(emitter, 'emit');
  };
}
