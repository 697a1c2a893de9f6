import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import { findHeader } from '../../src/contract/header-list.ts';
import { POLICIES, type Policy } from './cache-model-policies.ts';
import { type CachedReply, callCached, pendingWork } from './cached-calls.ts';
import { type CachedPage, createCachedPage } from './cached-server.ts';
import { Random } from './differential/random.ts';
import { writeText } from './write-text.ts';

/** A moment from which on a response is fresh: when it came, or when a 304 said that it is still right. */
interface Birth {
  readonly askedAtStep: number;
  readonly bornAtMs: number;
}

/** A response of the target. */
interface Call {
  readonly ask: string | undefined;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<'x-a' | 'cookie' | 'authorization' | 'cache-control', string | undefined>>;
  readonly policy: Policy;
  readonly tag: string;
  readonly births: Birth[];
}

/** A request of a client. */
interface Ask {
  readonly id: string;
  readonly path: string;
  readonly query: string;
  readonly xA: string | undefined;
  readonly cookie: string | undefined;
  readonly atStep: number;
}

export interface ModelRun {
  readonly hits: number;
  readonly requests: number;
  /** What the rules do not allow. */
  readonly violations: readonly string[];
}

/**
 * Sends random requests to a page that is cached, with other requests, changes and purges in between, and compares each response with what the rules allow for it. The clock is
 * simulated, and nothing leaves the process. A sequence is all requests for one pair of paths, which share responses only with each other.
 */
export async function runCacheModel(seed: number, sequences: number): Promise<ModelRun> {
  const run = new Run(new Random(seed));
  for (let at = 0; at < sequences; at++) await run.sequence(`/${seed}/${at}`);
  return run;
}

const STEPS = 12;

class Run implements ModelRun {
  hits = 0;
  requests = 0;
  readonly violations: string[] = [];
  readonly #random: Random;
  readonly #page: CachedPage;
  /** By number, from 1 on. */
  readonly #calls = new Map<number, Call>();
  /** Responses that the target has not sent yet. */
  readonly #held: (() => void)[] = [];
  readonly #changes: { readonly path: string; readonly atStep: number }[] = [];
  readonly #purges: { readonly tag: string; readonly atStep: number }[] = [];
  #step = 0;
  #calledAt = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#page = createCachedPage((exchange) => this.#answer(exchange), { memoryBytes: 2 ** 22 });
  }

  async sequence(path: string): Promise<void> {
    this.#calls.clear();
    this.#changes.length = 0;
    this.#purges.length = 0;
    const replies: Promise<void>[] = [];
    for (let at = 0; at < STEPS; at++) {
      this.#pass(this.#random.below(1000));
      const action = this.#random.below(16);
      if (action === 0) await this.#change(path);
      else if (action === 1) this.#purge(`${path}${this.#random.pick(['-a', '-b'])}`);
      else if (action < 5) this.#held.splice(this.#random.below(this.#held.length || 1), 1)[0]?.();
      else replies.push(this.#ask(path));
      await settle();
    }
    for (const send of this.#held.splice(0)) send();
    // Calls for requests that have waited may be held again.
    const all = Promise.all(replies);
    let isOver = false;
    void all.then(() => {
      isOver = true;
    });
    while (!isOver || pendingWork.size > 0) {
      await settle();
      for (const send of this.#held.splice(0)) send();
    }
    await all;
    this.#page.calls.length = 0;
  }

  #pass(ms: number): void {
    this.#step++;
    this.#page.bans.pass(ms + 1);
  }

  async #change(path: string): Promise<void> {
    const changed = path + this.#random.pick(['/a', '/b']);
    await callCached(this.#page, { path: changed, method: this.#random.pick(['POST', 'DELETE']) });
    this.#pass(0);
    this.#changes.push({ path: changed, atStep: this.#step });
    this.#pass(0);
  }

  #purge(tag: string): void {
    this.#page.bans.add([tag]);
    this.#purges.push({ tag, atStep: this.#step });
    this.#pass(0);
  }

  async #ask(prefix: string): Promise<void> {
    const random = this.#random;
    this.requests++;
    const ask: Ask = {
      id: String(this.requests),
      path: prefix + random.mostly('/a', ['/b'], 5),
      query: random.mostly('', ['x=1', 'x=1&y=2', 'y=2&x=1', 'y=3&x=1'], 4),
      xA: random.mostly(undefined, ['1'], 5),
      cookie: random.pick([undefined, 'c=1', 'c=2; d=3']),
      atStep: this.#step,
    };
    const headers = ['X-Ask', ask.id];
    if (ask.xA !== undefined) headers.push('X-A', ask.xA);
    if (ask.cookie !== undefined) headers.push('Cookie', ask.cookie);
    if (random.oneIn(10)) headers.push('Authorization', 'Basic eDp5');
    if (random.oneIn(12)) headers.push('Cache-Control', random.pick(['no-store', 'no-cache', 'only-if-cached']));
    if (random.oneIn(8)) headers.push('If-None-Match', `"${1 + random.below(this.#calledAt + 1)}"`);
    if (random.oneIn(12)) headers.push('Range', 'bytes=0-');
    const method = random.oneIn(10) ? 'HEAD' : 'GET';
    const path = ask.query === '' ? ask.path : `${ask.path}?${ask.query}`;
    // A fault is the response to this request alone.
    const reply = await callCached(this.#page, { path, method, headers }).catch(() => undefined);
    if (reply) this.#check(ask, reply);
  }

  #check(ask: Ask, reply: CachedReply): void {
    const number = findNumber(reply.headers);
    const status = findHeader(reply.headers, 'cache-status') ?? '';
    // An entry that a 304 of the target has made fresh again is sent, too.
    const isHit = /nexthop; (?:hit|fwd=stale; fwd-status=304)/.test(status);
    const call = number === undefined ? undefined : this.#calls.get(number);
    if (isHit) this.hits++;
    if (!call) {
      if (isHit || (reply.status !== 504 && reply.status !== 304)) this.#report(ask, reply, 'it is not of a call');
      return;
    }
    // The target has answered this request itself, perhaps with a 304 to the tag of the client.
    if (!isHit && (call.ask === ask.id || reply.status === 304)) return;
    const reason = isHit ? this.#findReason(ask, call, reply) : 'it does not say that it is from the cache';
    if (reason !== undefined) this.#report(ask, reply, reason);
  }

  /** Why the response to this call must not be sent to this request now. */
  #findReason(
    ask: Ask,
    { path, query, headers, policy, tag, births }: Call,
    { headers: sent }: CachedReply,
  ): string | undefined {
    const { lifetimeS, staleS = 0, failureS = 0, isForAll = false, hasTag = false, variesBy } = policy;
    if (lifetimeS === undefined) return 'it must not be stored';
    if (headers.authorization !== undefined && !isForAll) return 'it is for a request with Authorization';
    if (headers['cache-control'] === 'no-store') return 'it is for a request with no-store';
    if (path !== ask.path) return 'it is of another path';
    if (headers['x-a'] !== ask.xA) return 'it is of another X-A';
    if (variesBy === 'cookie' && toCookie(headers.cookie) !== toCookie(ask.cookie)) return 'it is of another cookie';
    const isSameQuery =
      variesBy === 'x of the query' ? toX(query) === toX(ask.query) : toSorted(query) === toSorted(ask.query);
    if (!isSameQuery) return 'it is of another query';
    const isInsteadOfFailure = /fwd=stale/.test(findHeader(sent, 'cache-status') ?? '');
    const mostS = lifetimeS + Math.max(staleS, isInsteadOfFailure ? failureS : 0);
    const nowMs = this.#page.bans.nowMs();
    const alive = births.filter(({ bornAtMs }) => nowMs - bornAtMs < mostS * 1000);
    if (alive.length === 0) return 'it is too old';
    const isBefore = ({ askedAtStep }: Birth, atStep: number) => askedAtStep <= atStep && atStep <= ask.atStep;
    const unchanged = alive.filter(
      (birth) => !this.#changes.some((each) => each.path === path && isBefore(birth, each.atStep)),
    );
    if (unchanged.length === 0) return 'its page was changed since';
    const unpurged = unchanged.filter(
      (birth) => !(hasTag && this.#purges.some((each) => each.tag === tag && isBefore(birth, each.atStep))),
    );
    return unpurged.length === 0 ? 'it was purged since' : undefined;
  }

  #report(ask: Ask, { status, headers }: CachedReply, reason: string): void {
    this.violations.push(
      `${reason}: ${JSON.stringify({ ...ask, status, headers, call: this.#calls.get(findNumber(headers) ?? 0) })}`,
    );
  }

  /** The target. */
  #answer(exchange: Exchange): Promise<void> | void {
    const { request, target } = exchange;
    if (request.method === 'POST' || request.method === 'DELETE') {
      writeText(exchange, 204, '');
      return undefined;
    }
    const number = ++this.#calledAt;
    const askedAtStep = this.#step;
    // Most of the first ones, which are stored.
    const policy = this.#random.pick(this.#random.oneIn(2) ? POLICIES : POLICIES.slice(0, 7));
    const [path = '', query = ''] = target.split('?');
    const tag = `${path.replace(/\/[ab]$/, '')}${this.#random.pick(['-a', '-b'])}`;
    const { get } = { get: (name: string) => request.get(name) };
    const headers = {
      'x-a': get('x-a'),
      cookie: get('cookie'),
      authorization: get('authorization'),
      'cache-control': get('cache-control'),
    };
    const isStillRight = this.#random.oneIn(2);
    const send = (): void => {
      const birth = { askedAtStep, bornAtMs: this.#page.bans.nowMs() };
      const known = Number(/^"(\d+)"$/.exec(get('if-none-match') ?? '')?.[1]);
      const before = this.#calls.get(known);
      if (before && before.policy.status === 200 && isStillRight && isOneVariant(before, { path, query, headers })) {
        before.births.push(birth);
        exchange.writeHead(304, '', toHeaders(known, before));
        exchange.response.end();
        return;
      }
      const call: Call = { ask: get('x-ask'), path, query, headers, policy, tag, births: [birth] };
      this.#calls.set(number, call);
      writeText(exchange, policy.status, String(number), toHeaders(number, call));
    };
    if (this.#random.oneIn(25)) throw new Fault('function_error');
    if (this.#random.oneIn(4)) this.#held.push(send);
    else send();
    return undefined;
  }
}

/** A server says so only of the page for such a request. */
function isOneVariant(one: Call, other: Pick<Call, 'path' | 'query' | 'headers'>): boolean {
  const isSame = one.path === other.path && one.headers['x-a'] === other.headers['x-a'];
  const { variesBy } = one.policy;
  if (variesBy === 'x of the query') return isSame && toX(one.query) === toX(other.query);
  const isSameCookie = variesBy !== 'cookie' || toCookie(one.headers.cookie) === toCookie(other.headers.cookie);
  return isSame && isSameCookie && toSorted(one.query) === toSorted(other.query);
}

function toHeaders(number: number, { policy, tag }: Call): readonly string[] {
  const tags = policy.hasTag ? ['Cache-Tag', tag] : [];
  return [...policy.headers, ...tags, 'Vary', 'X-A', 'ETag', `"${number}"`];
}

function findNumber(headers: readonly string[]): number | undefined {
  const tag = findHeader(headers, 'etag');
  return tag === undefined ? undefined : Number(tag.slice(1, -1));
}

function toSorted(query: string): string {
  return query.split('&').sort().join('&');
}

function toX(query: string): string | undefined {
  return query.split('&').find((pair) => pair.startsWith('x='));
}

function toCookie(cookie: string | undefined): string | undefined {
  return cookie?.split('; ').find((pair) => pair.startsWith('c='));
}

/** Until nothing can go on without a response of the target. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await undefined;
}

if (import.meta.main) {
  const [sequences = '125000', seed = String(Date.now() % 1e6)] = process.argv.slice(2);
  const { hits, requests, violations } = await runCacheModel(Number(seed), Number(sequences));
  process.stdout.write(`seed ${seed}: ${requests} requests, ${hits} hits, ${violations.length} violations\n`);
  for (const violation of violations.slice(0, 5)) process.stdout.write(`${violation}\n`);
}
