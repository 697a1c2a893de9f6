import { request as send } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { Answers } from '../../src/cache/answers.ts';
import { CachedTarget } from '../../src/cache/cached-target.ts';
import { DurableCopies } from '../../src/cache/durable-copies.ts';
import { DurableEntries } from '../../src/cache/durable-entries.ts';
import type { Bans, CachePeers, CacheRule, CacheTier } from '../../src/contract/cache.ts';
import type { Exchange } from '../../src/contract/exchange.ts';
import type { Answer, Target } from '../../src/contract/target.ts';
import { type ExchangeServer, serveExchanges } from './exchange-server.ts';
import { writeText } from './write-text.ts';

export interface Reply {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

export interface CachedServer extends ExchangeServer {
  /** The exchanges of the calls of the target, in order. */
  readonly calls: readonly Exchange[];
  ask(question?: Question): Promise<Reply>;
  /** Moves the clock of the cache. */
  pass(ms: number): void;
  /** Sets the clock that this process shares with others ahead of its own; negative: behind it. */
  setSharedClock(aheadMs: number): void;
  /** From now on purges of other processes do not arrive, or do again. */
  setDoubt(isDeaf: boolean): void;
  /** Purges these tags. */
  ban(...tags: readonly string[]): void;
  /** Resolves when no response is fetched. */
  settled(): Promise<void>;
}

export interface CachedSetup {
  readonly rule?: Partial<CacheRule>;
  readonly memoryBytes?: number;
  readonly objectBytes?: number;
  readonly peers?: CachePeers;
  /** Where durable entries are. */
  readonly tier?: CacheTier;
}

/** Gets the number of the call, from 1 on. */
export type AnswerCall = (exchange: Exchange, call: number) => Answer | Promise<void> | void;

/** A target of the test with the cache in front of it. */
export interface CachedPage {
  readonly target: Target;
  readonly answers: Answers;
  readonly bans: FakeBans;
  /** The exchanges of the calls of the target, in order. */
  readonly calls: Exchange[];
}

export function createCachedPage(
  answer: AnswerCall,
  { rule: ruleParts, memoryBytes = 2 ** 26, objectBytes = 2 ** 20, peers, tier }: CachedSetup = {},
  onFailure: (error: unknown) => void = () => {},
): CachedPage {
  const calls: Exchange[] = [];
  const bans = new FakeBans();
  const answers = new Answers({ memoryBytes, objectBytes, bans, peers });
  const version = answers.openVersion();
  const rule: CacheRule = { fields: 'all', names: 'nexthop', ...ruleParts };
  const entries = tier && new DurableEntries({ tier, bans, findVersion: async () => 'one', onFailure });
  const target = new CachedTarget({
    durable: entries && new DurableCopies({ entries, answers, version, rule }),
    target: {
      name: 'functions/page.js',
      answer(exchange) {
        const result = answer(exchange, calls.push(exchange));
        return result instanceof Promise ? result.then((outcome) => outcome ?? 'answered') : (result ?? 'answered');
      },
    },
    rule,
    answers,
    version,
    run: (_exchange, work) => work(),
    isOfManyPages: false,
  });
  return { target, answers, bans, calls };
}

/** Serves such a target. */
export async function serveCached(
  t: ExecutionContext,
  answer: AnswerCall,
  setup: CachedSetup = {},
): Promise<CachedServer> {
  const { target, answers, bans, calls } = createCachedPage(answer, setup, t.log);
  const server = await serveExchanges(t, async (exchange) => {
    exchange.answeredBy = target.name;
    // As routes do it.
    if (target.answerAtOnce?.(exchange, {})) return;
    if ((await target.answer(exchange, {})) === 'passed') writeText(exchange, 421, 'passed');
  });
  return {
    ...server,
    calls,
    ask: (question) => ask(server.port, question),
    pass: (ms) => bans.pass(ms),
    setSharedClock: (aheadMs) => bans.setShared(aheadMs),
    setDoubt: (isDeaf) => bans.setDoubt(isDeaf),
    ban: (...tags) => bans.add(tags),
    async settled() {
      while (answers.flights.size > 0) await nextTurn();
    },
  };
}

export class FakeBans implements Bans {
  #nowMs = 1_800_000_000_000;
  #sharedAheadMs = 0;
  #isDeaf = false;
  readonly #bans = new Map<string, number>();

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  add(tags: readonly string[]): void {
    for (const tag of tags) this.#bans.set(tag, this.#nowMs);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  isBanned(tags: readonly string[], askedAtMs: number): boolean {
    return tags.some((tag) => (this.#bans.get(tag) ?? 0) >= askedAtMs);
  }

  setShared(aheadMs: number): void {
    this.#sharedAheadMs = aheadMs;
  }

  toSharedMs(ms: number): number {
    return ms + this.#sharedAheadMs;
  }

  fromSharedMs(sharedMs: number): number {
    return sharedMs - this.#sharedAheadMs;
  }

  setDoubt(isDeaf: boolean): void {
    this.#isDeaf = isDeaf;
  }

  isInDoubt(askedAtMs: number): boolean {
    return this.#isDeaf && this.#nowMs > askedAtMs + 100;
  }

  isBannedInStore(tags: readonly string[], askedAtSharedMs: number): boolean {
    return this.isBanned(tags, this.fromSharedMs(askedAtSharedMs));
  }

  watch(): void {}

  async know(): Promise<void> {}

  async ban(): Promise<void> {}
}

/** Sends a request on a connection of its own. */
export function ask(port: number, { method = 'GET', path = '/', headers = {}, body }: Question = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method, path, headers: headers as Record<string, string>, agent: false };
    const request = send(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const pairs = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        const text = Buffer.concat(chunks).toString('latin1');
        resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(pairs), body: text });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
