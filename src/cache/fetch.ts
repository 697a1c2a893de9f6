import type { CacheRule } from '../contract/cache.ts';
import { toLength } from '../contract/content-length.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { findHeader } from '../contract/header-list.ts';
import type { IncomingRequest } from '../contract/http-message.ts';
import type { Outcome, Params, Target } from '../contract/target.ts';
import { type AnswerReader, takesAtOnce } from '../http/captured-response.ts';
import type { Answers, Place } from './answers.ts';
import { type CacheOutcome, toCacheResult } from './cache-status.ts';
import { Collector } from './collector.ts';
import type { DurableCopies } from './durable-copies.ts';
import { Flight } from './flight.ts';
import { hasCacheField, toForwardedHeaders } from './head-watch.ts';
import type { KeptAnswer } from './kept-answer.ts';
import {
  findRefusal,
  type Refusal,
  readBuilt,
  readStorable,
  type StorableResponse,
} from './policy/storable-response.ts';
import { freshenHeaders, toRefresh, toRevalidation } from './revalidation.ts';
import { sendKept } from './send-kept.ts';
import type { StoringAdvice } from './storing-advice.ts';
import { Asker, type RunFor, TargetCall } from './target-call.ts';
import { toKeptAnswer, type WholeResponse } from './to-kept-answer.ts';

export interface CachedTargetParts {
  readonly target: Target;
  readonly rule: CacheRule;
  readonly answers: Answers;
  /** Of the site; a prefix of keys. */
  readonly version: string;
  readonly run: RunFor;
  /** Undefined: no entry outlives the process. */
  readonly durable?: DurableCopies | undefined;
  /** Default: none, because the target is no code of the site. */
  readonly advice?: StoringAdvice;
  /** The target answers so many URLs that responses which cannot be stored say nothing about others. */
  readonly isOfManyPages: boolean;
}

export interface FetchParts extends CachedTargetParts {
  readonly exchange: Exchange;
  readonly params: Params;
  readonly place: Place;
}

/** A request to the target whose response is stored if it may be. */
export class Fetch {
  /** Whether the response may be stored; undefined if that is not known, or does not matter. */
  isStorable: boolean | undefined;
  readonly #parts: FetchParts;
  readonly #flight: Flight;
  readonly #key: string;

  constructor(parts: FetchParts) {
    const { answers, place } = parts;
    this.#parts = parts;
    this.#key = place.primaryKey + place.variantKey;
    this.#flight = new Flight(place.urlKey, answers.bans.nowMs());
  }

  /** Answers the client. `isAlone`: no other request waits for the response. Rejects with the Fault of the target. */
  async answer(isAlone: boolean): Promise<Outcome> {
    const { exchange, place, target } = this.#parts;
    this.#open(isAlone);
    try {
      const request = place.kept?.hasValidator ? toRevalidation(exchange.request, place.kept) : exchange.request;
      return await this.#answer(this.#call(request));
    } catch (error) {
      this.#end('pass');
      if (!this.#sendInsteadOfFailure(undefined)) throw error;
      exchange.pendingWork.add(Promise.reject(error), target.name); // for error.log
      return 'answered';
    } finally {
      if (!this.#flight.isCollecting) this.#end('pass');
    }
  }

  /** Renews the entry of the place after it was sent. */
  refresh(): void {
    const { exchange, place, target } = this.#parts;
    if (!place.kept || !place.variation) return;
    this.#open(false);
    this.#flight.isAsked = false;
    exchange.pendingWork.add(this.#renewOnce(toRefresh(exchange.request, place.kept, place.variation)), target.name);
  }

  /** One of the processes that share the entry renews it. */
  async #renewOnce(request: IncomingRequest): Promise<void> {
    const { exchange, place, durable } = this.#parts;
    const isRenewedElsewhere =
      durable && place.kept?.entry.isDurable && !(await durable.isRenewedHere(exchange, place));
    if (isRenewedElsewhere) this.#end('kept');
    else await this.#renew(this.#call(request));
  }

  async #renew(call: TargetCall): Promise<void> {
    try {
      if ((await call.head) === 'passed') return;
      const { captured, inner } = call;
      const storable = this.#judge(call, captured.status, captured.headers);
      if (captured.status === 304) this.#freshen(call);
      else if (typeof storable === 'string') {
        call.abort();
        if (captured.status >= 500)
          throw new Fault('function_error', {
            message: `the response to a refresh of a cached page is ${captured.status}`,
          });
      } else {
        this.#collect(call, storable, undefined);
        await this.#flight.ended;
        if (inner.fault) throw inner.fault;
      }
    } finally {
      this.#end('pass');
    }
  }

  #open(isAlone: boolean): void {
    const { answers } = this.#parts;
    answers.begin(this.#flight);
    if (!isAlone) answers.flights.set(this.#key, this.#flight);
  }

  /** Idempotent. */
  #end(end: 'kept' | 'pass'): void {
    const { answers } = this.#parts;
    answers.end(this.#flight);
    if (answers.flights.get(this.#key) === this.#flight) answers.flights.delete(this.#key);
    this.#flight.end(end);
  }

  #call(request: IncomingRequest): TargetCall {
    const call = new TargetCall({ ...this.#parts, outer: this.#parts.exchange, request });
    this.#flight.call = call;
    return call;
  }

  async #answer(call: TargetCall): Promise<Outcome> {
    const { exchange, rule, answers, place } = this.#parts;
    exchange.listen(new Asker(call, () => this.#flight.leave()));
    if ((await call.head) === 'passed') {
      exchange.listen(undefined);
      return 'passed';
    }
    const { captured } = call;
    // It failed since: the client can still get an error response.
    if (captured.isClosed && !captured.isEnded) throw call.fault;
    const { status, headers } = captured;
    call.noteAnswer();
    if (status === 304 && place.kept?.hasValidator) {
      const { kept, outcome } = this.#freshen(call);
      exchange.listen(undefined);
      sendKept(exchange, kept, { rule, outcome, nowMs: answers.bans.nowMs() });
      return 'answered';
    }
    if (status >= 500 && this.#sendInsteadOfFailure(status)) {
      call.abort();
      return 'answered';
    }
    const storable = this.#judge(call, status, headers);
    this.isStorable = typeof storable !== 'string';
    if (!this.isStorable) this.#refuse();
    const outcome = this.#toOutcome(storable);
    if (captured.closes) exchange.response.closeBehind();
    const isAbout = this.isStorable || (storable !== 'passed-on' && hasCacheField(headers, rule));
    if (isAbout) exchange.cacheResult = toCacheResult(outcome);
    const sent = isAbout ? toForwardedHeaders(headers, rule, outcome) : headers;
    exchange.writeHead(status, captured.reason, sent);
    const { response } = exchange;
    const client: AnswerReader = {
      takesAtOnce: takesAtOnce(response),
      write: (content) => response.write(content),
      end: (content, trailers) => response.end(content, trailers),
      abort: () => exchange.fail(call.fault),
    };
    if (typeof storable === 'string') captured.passTo(client);
    else this.#collect(call, storable, client);
    return 'answered';
  }

  #judge({ inner }: TargetCall, status: number, headers: readonly string[]): StorableResponse | Refusal {
    const { rule, exchange, advice } = this.#parts;
    if (rule.isOwn?.(inner) === false) return 'passed-on';
    const { builtForS } = inner;
    const storable =
      builtForS === undefined ? readStorable(status, headers, rule) : readBuilt(status, headers, builtForS);
    advice?.give(exchange, storable);
    if (typeof storable === 'string') return storable;
    return findRefusal(inner.request, storable) ?? findRefusal(exchange.request, storable) ?? storable;
  }

  /** Requests that wait start at once, and later ones do not wait. */
  #refuse(): void {
    this.#parts.answers.pass(this.#key);
    this.#end('pass');
  }

  #toOutcome(storable: StorableResponse | Refusal): CacheOutcome {
    const { kept, variation } = this.#parts.place;
    const forwarded = kept ? 'stale' : variation ? 'vary-miss' : 'uri-miss';
    if (typeof storable === 'string') return { forwarded, detail: storable };
    const ttlS = Math.ceil((storable.lifetimeMs - storable.ageMs) / 1000);
    return { forwarded, isStored: true, ttlS, ...(storable.isDurable && ({ durable: 'stored' } as const)) };
  }

  /** Passes the response on and stores it when it is whole. */
  #collect(call: TargetCall, storable: StorableResponse, client: AnswerReader | undefined): void {
    const { exchange, answers } = this.#parts;
    const flight = this.#flight;
    const { captured } = call;
    const { status, headers } = captured;
    const collector = new Collector({
      client,
      limits: answers,
      declaredBytes: toLength(findHeader(headers, 'content-length') ?? ''),
      onEnd: (body) => {
        const isKept = body !== undefined && this.#keep(call, storable, { status, headers, body });
        if (!isKept) answers.pass(this.#key);
        this.#end(isKept ? 'kept' : 'pass');
        if (!isKept) flight.stopIfUnused();
      },
    });
    flight.isCollecting = collector.isKeeping;
    if (client) {
      exchange.listen(
        new Asker(call, () => {
          collector.detach();
          flight.leave();
          // A drain waits for those that wait.
          exchange.pendingWork.add(flight.ended, exchange.answeredBy);
          // Nothing slows the response down any more.
          captured.drained();
        }),
      );
    }
    if (!collector.isKeeping) {
      answers.pass(this.#key);
      this.#end('pass');
      flight.stopIfUnused();
    }
    captured.passTo(collector);
  }

  /** False if it is not stored. */
  #keep({ inner }: TargetCall, storable: StorableResponse, response: WholeResponse): boolean {
    const { answers, rule, version, place, durable, target } = this.#parts;
    if (this.#flight.isOutdated) return false;
    const { askedAtMs } = this.#flight;
    const kept = toKeptAnswer(response, { storable, inner, askedAtMs, nowMs: answers.bans.nowMs() }, rule.fields);
    if (!kept) return false;
    const { urlKey } = place;
    const isKept = answers.keep(inner, kept, { version, urlKey, storable, rule });
    if (durable && storable.isDurable)
      inner.pendingWork.add(durable.store(inner, kept, { storable, urlKey }), target.name);
    return isKept;
  }

  /** The target says that the entry is still right: it gets the new fields of the 304. */
  #freshen(call: TargetCall): { readonly kept: KeptAnswer; readonly outcome: CacheOutcome } {
    const { place, rule, answers } = this.#parts;
    const before = place.kept as KeptAnswer; // only an entry is revalidated
    const { status, body } = before.entry;
    const headers = freshenHeaders(before.entry, call.captured.headers);
    const storable = this.#judge(call, status, headers);
    call.abort();
    const forwarded = { forwarded: 'stale', forwardedStatus: 304 } as const;
    if (typeof storable !== 'string' && this.#keep(call, storable, { status, headers, body })) {
      const kept = answers.find(call.inner, this.#parts.version, rule).kept;
      this.#end('kept');
      if (kept)
        return {
          kept,
          outcome: { ...forwarded, isStored: true, ttlS: Math.ceil(kept.leftMs(answers.bans.nowMs()) / 1000) },
        };
    }
    // It may be used for this client, who has asked the target.
    this.#end('pass');
    answers.drop(place);
    const detail = typeof storable === 'string' ? { detail: storable } : {};
    return { kept: before, outcome: { ...forwarded, ...detail } };
  }

  /** `status`: undefined for a fault. False if no entry covers the failure. */
  #sendInsteadOfFailure(status: number | undefined): boolean {
    const { exchange, rule, answers, place } = this.#parts;
    const nowMs = answers.bans.nowMs();
    const { kept } = place;
    if (exchange.left || !kept?.coversFailure(nowMs)) return false;
    exchange.listen(undefined);
    const ttlS = Math.ceil(kept.leftMs(nowMs) / 1000);
    const failed = status === undefined ? {} : { forwardedStatus: status };
    sendKept(exchange, kept, { rule, outcome: { hit: true, forwarded: 'stale', ttlS, ...failed }, nowMs });
    return true;
  }
}
