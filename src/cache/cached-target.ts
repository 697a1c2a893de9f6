import type { Exchange } from '../contract/exchange.ts';
import type { Answer, Outcome, Params, Target } from '../contract/target.ts';
import type { Tracer } from '../contract/tracer.ts';
import { writeHead } from '../http/write-head.ts';
import type { Place } from './answers.ts';
import { type CacheOutcome, toCacheStatus } from './cache-status.ts';
import { type CachedTargetParts, Fetch } from './fetch.ts';
import { HeadWatch } from './head-watch.ts';
import { isMisleading, removeMisleading } from './misleading-headers.ts';
import { sendKept } from './send-kept.ts';

/** After so many responses in a row that cannot be stored, requests go to the target without a look-up, and do not wait for each other, until one can be stored. */
const QUIET_AFTER = 20;

export interface TracedTargetParts extends CachedTargetParts {
  readonly tracer?: Tracer | undefined;
}

/** A target whose responses come from the cache, where they may. */
export class CachedTarget implements Target {
  readonly name: string;
  readonly isTraced = true;
  readonly #parts: TracedTargetParts;
  /** Those that all requests share. */
  readonly #watches: Readonly<Record<'miss' | 'head' | 'bypass' | 'method', HeadWatch>>;
  /** Responses in a row that could not be stored. */
  #refused: number;
  /** What `answerAtOnce` has looked up for the request that `answer` gets next. */
  #found: { readonly exchange: Exchange; readonly place: Place } | undefined;

  constructor(parts: TracedTargetParts) {
    this.name = parts.target.name;
    this.#parts = parts;
    const { rule, advice } = parts;
    this.#watches = {
      miss: this.#toWatch(),
      head: new HeadWatch({ rule, forwarded: 'miss', advice }),
      bypass: new HeadWatch({ rule, forwarded: 'bypass' }),
      method: new HeadWatch({ rule, forwarded: 'method' }),
    };
    // Few functions of platforms without a cache are written for one: the first response that may be stored shows it.
    this.#refused = parts.rule.fields === 'targeted' ? QUIET_AFTER : 0;
  }

  answer(exchange: Exchange, params: Params): Answer {
    const { tracer, answers } = this.#parts;
    const isUsed = !this.#isQuiet || !answers.isEmpty;
    return tracer && isUsed
      ? tracer.runCache(exchange, () => this.#begin(exchange, params))
      : this.#begin(exchange, params);
  }

  /** A trace has a span for each use of the cache, so with a tracer `answer` sends all entries. */
  answerAtOnce(exchange: Exchange, params: Params): boolean {
    const { tracer, answers } = this.#parts;
    const { request, ruleStatus } = exchange;
    const { method, upgrade, body } = request;
    // `answer` may not have used the last one, and a rewritten request has another URL.
    this.#found = undefined;
    if (answers.isEmpty || tracer || (method !== 'GET' && method !== 'HEAD')) return false;
    if (upgrade !== undefined || body.announcedBytes !== 0 || ruleStatus !== 0 || isMisleading(exchange)) return false;
    const place = this.#find(exchange);
    const nowMs = answers.bans.nowMs();
    const isFresh = place.kept?.freshness(nowMs) === 'fresh';
    if (isFresh && this.#sendIfUsable(exchange, params, place, {}, nowMs)) return true;
    this.#found = { exchange, place };
    return false;
  }

  #begin(exchange: Exchange, params: Params): Answer {
    if (this.#parts.rule.isOrigin) {
      // The hop gets them as they are, so its response may be that of another URL.
      return isMisleading(exchange) ? this.#pass(exchange, params, 'bypass') : this.#answer(exchange, params);
    }
    const before = removeMisleading(exchange);
    const answer = this.#answer(exchange, params);
    // What follows gets the request as it was.
    return before ? restoreIfPassed(exchange, before, answer) : answer;
  }

  #answer(exchange: Exchange, params: Params): Answer {
    const { request } = exchange;
    const { method } = request;
    const { target, answers } = this.#parts;
    const isSafe = method === 'GET' || method === 'HEAD';
    if (!isSafe) return this.#answerUnsafe(exchange, params);
    if (request.upgrade !== undefined) return target.answer(exchange, params);
    // A body that the key does not have may change the response, and a rule may replace its status.
    if (request.body.announcedBytes !== 0 || exchange.ruleStatus !== 0) return this.#pass(exchange, params, 'bypass');
    if (this.#isQuiet && answers.isEmpty) return this.#pass(exchange, params, 'miss');
    const place = this.#find(exchange);
    if (place.kept && this.#sendIfUsable(exchange, params, place)) return 'answered';
    return this.#answerMiss(exchange, params, place);
  }

  get #isQuiet(): boolean {
    return this.#refused >= QUIET_AFTER && !this.#parts.isOfManyPages;
  }

  #find(exchange: Exchange): Place {
    const { answers, version, rule } = this.#parts;
    const found = this.#found;
    this.#found = undefined;
    return found?.exchange === exchange ? found.place : answers.find(exchange, version, rule);
  }

  /**
   * Sends the entry of the place if it is fresh, or may be renewed after it was sent. A durable one that may have been purged is not sent: containers share it, so the store or the
   * target is asked. Requests that waited for it get it, because otherwise each would call the target.
   */
  #sendIfUsable(
    exchange: Exchange,
    params: Params,
    place: Place,
    source: Source = {},
    nowMs = this.#parts.answers.bans.nowMs(),
  ): boolean {
    const { rule, answers } = this.#parts;
    const { kept } = place;
    const freshness = kept?.freshness(nowMs) ?? 'stale';
    if (!kept || freshness === 'stale') return false;
    if (kept.entry.isDurable && !source.isCollapsed && answers.bans.isInDoubt(kept.entry.askedAtMs)) return false;
    const isStale = freshness === 'revalidating' && !source.isCollapsed;
    const ttlS = Math.ceil(kept.leftMs(nowMs) / 1000);
    const outcome = { hit: true, ttlS, ...source, ...(isStale && ({ forwarded: 'stale' } as const)) };
    sendKept(exchange, kept, { rule, outcome, nowMs });
    if (isStale && !answers.flights.has(place.primaryKey + place.variantKey))
      new Fetch({ ...this.#parts, exchange, params, place }).refresh();
    return true;
  }

  #answerMiss(exchange: Exchange, params: Params, place: Place): Answer {
    const { request } = exchange;
    if (isOnlyFromCache(request.get('cache-control'))) return this.#refuse(exchange);
    if (request.method === 'HEAD' || this.#isQuiet) return this.#pass(exchange, params, 'miss', place);
    for (const name of NEVER_STORED) if (request.get(name) !== undefined) return this.#pass(exchange, params, 'bypass');
    if (this.#parts.answers.isPassed(place.primaryKey + place.variantKey))
      return this.#pass(exchange, params, 'miss', place);
    return this.#fetch(exchange, params, place);
  }

  async #fetch(exchange: Exchange, params: Params, given: Place): Promise<Outcome> {
    const { answers, durable } = this.#parts;
    let place = given;
    const { request } = exchange;
    if (durable?.isUsed) {
      await durable.load(exchange, place);
      place = this.#find(exchange);
      if (place.kept && this.#sendIfUsable(exchange, params, place, { durable: 'hit' })) return 'answered';
    }
    const isConditional = request.get('if-none-match') !== undefined || request.get('if-modified-since') !== undefined;
    // The second round is for a variant that was not known to be one in the first.
    for (let round = 0; round < 2 && !isConditional; round++) {
      const flight = answers.flights.get(place.primaryKey + place.variantKey);
      if (!flight) break;
      // The flight waits for this request, directly or by another page.
      if (exchange.passes > 0 && flight.isFetchingOwn) return this.#pass(exchange, params, 'miss', place);
      const end = await flight.wait(exchange);
      if (end === 'left') return 'answered';
      if (end === 'pass') return this.#pass(exchange, params, 'miss', place);
      place = this.#find(exchange);
      if (this.#sendIfUsable(exchange, params, place, { isCollapsed: true })) return 'answered';
    }
    const fetch = new Fetch({ ...this.#parts, exchange, params, place });
    // A client with conditions may get a 304, which is of no use to others.
    const isAlone = (isConditional && !place.kept) || answers.flights.has(place.primaryKey + place.variantKey);
    const outcome = await fetch.answer(isAlone);
    if (fetch.isStorable !== undefined) this.#refused = fetch.isStorable ? 0 : this.#refused + 1;
    return outcome;
  }

  /** Asks the target and stores nothing. */
  #pass(exchange: Exchange, params: Params, forwarded: 'miss' | 'bypass', place?: Place): Answer {
    const { target } = this.#parts;
    if (forwarded === 'bypass') exchange.addLayer(this.#watches.bypass);
    else if (exchange.request.method !== 'GET') exchange.addLayer(this.#watches.head);
    else exchange.addLayer(place ? this.#toWatch(place) : this.#watches.miss);
    return target.answer(exchange, params);
  }

  /** For a GET whose response is not stored. */
  #toWatch(place?: Place): HeadWatch {
    const { rule, answers, advice } = this.#parts;
    const onHead = (isStorable: boolean): void => {
      if (!isStorable) this.#refused++;
      else {
        // The next request stores its response.
        this.#refused = 0;
        if (place) answers.unpass(place.primaryKey + place.variantKey);
      }
    };
    return new HeadWatch({ rule, forwarded: 'miss', onHead, advice });
  }

  /** A request that changes what is at a URL makes the entries of this URL invalid (RFC 9111 4.4). */
  #answerUnsafe(exchange: Exchange, params: Params): Answer {
    const { rule, target, answers, durable } = this.#parts;
    const isSafe = SAFE.has(exchange.request.method) || !(answers.mayHaveEntries || durable?.isUsed);
    const onChange = (urlKey: string) => this.#invalidate(exchange, urlKey);
    exchange.addLayer(isSafe ? this.#watches.method : new HeadWatch({ rule, forwarded: 'method', onChange }));
    return target.answer(exchange, params);
  }

  #invalidate({ pendingWork }: Exchange, urlKey: string): void {
    const { answers, durable, target } = this.#parts;
    answers.invalidate(urlKey);
    if (durable?.isUsed) pendingWork.add(durable.remove(urlKey), target.name);
  }

  /** The client takes a response of the cache only (RFC 9111 5.2.1.7). */
  #refuse(exchange: Exchange): Outcome {
    const { names } = this.#parts.rule;
    const status = toCacheStatus('', names, { forwarded: 'miss', detail: 'only-if-cached' });
    writeHead(exchange, 504, ['Cache-Control', 'no-store', 'Cache-Status', status]);
    exchange.response.end();
    return 'answered';
  }
}

/** How an entry came to the request, besides by a look-up in memory. */
type Source = Pick<CacheOutcome, 'isCollapsed' | 'durable'>;

const SAFE: ReadonlySet<string> = new Set(['OPTIONS', 'TRACE']);

async function restoreIfPassed(exchange: Exchange, headers: readonly string[], answer: Answer): Promise<Outcome> {
  const outcome = await answer;
  if (outcome === 'passed') exchange.request.replaceHeaders(headers);
  return outcome;
}

/** Requests with these fields get what only they may get. */
const NEVER_STORED = ['range', 'if-match', 'if-unmodified-since'] as const;

function isOnlyFromCache(cacheControl: string | undefined): boolean {
  return cacheControl !== undefined && /(?:^|[\s,])only-if-cached(?:[\s,]|$)/i.test(cacheControl);
}
