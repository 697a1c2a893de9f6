import type { CacheEntry, CacheRule } from '../contract/cache.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { findHeader } from '../contract/header-list.ts';
import { HOP_BY_HOP, withoutNames } from '../http/headers.ts';
import { KeptAnswer } from './kept-answer.ts';
import type { StorableResponse } from './policy/storable-response.ts';

export interface WholeResponse {
  readonly status: number;
  /** Flat. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface EntryFacts {
  readonly storable: StorableResponse;
  /** The exchange of the call; its ids are not stored. */
  readonly inner: Exchange;
  readonly askedAtMs: number;
  /** When the response was received. */
  readonly nowMs: number;
}

/** Makes the entry for a response that may be stored. Undefined for one whose head cannot be sent, which only a client would have shown; then the exchange has the fault. */
export function toKeptAnswer(
  { status, headers, body }: WholeResponse,
  { storable, inner, askedAtMs, nowMs }: EntryFacts,
  fields: CacheRule['fields'],
): KeptAnswer | undefined {
  const entry: CacheEntry = {
    status,
    headers: toStoredHeaders(headers, inner),
    body,
    tags: storable.tags,
    askedAtMs,
    bornAtMs: nowMs - storable.ageMs,
    lifetimeMs: storable.lifetimeMs,
    staleWhileRevalidateMs: storable.staleWhileRevalidateMs,
    staleIfErrorMs: storable.staleIfErrorMs,
    isDurable: storable.isDurable,
    passes: inner.passes,
  };
  const kept = KeptAnswer.of(entry, fields);
  if (!kept) inner.fault ??= new Fault('function_bad_answer', { message: 'the head of the Response is invalid' });
  return kept;
}

const OF_ONE_RESPONSE = [...HOP_BY_HOP, 'content-length', 'age'];

/** Without what belongs to this one response, and with a date. */
function toStoredHeaders(headers: readonly string[], { requestId, platformId }: Exchange): readonly string[] {
  const names = new Set([...OF_ONE_RESPONSE, requestId.name, platformId?.name ?? '']);
  const stored = withoutNames(headers, names);
  if (findHeader(stored, 'date') === undefined) stored.push('Date', new Date().toUTCString());
  return stored;
}
