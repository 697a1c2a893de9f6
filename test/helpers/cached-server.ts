import { request as send } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { Answers } from '../../src/cache/answers.ts';
import { CachedTarget } from '../../src/cache/cached-target.ts';
import type { CacheRule } from '../../src/contract/cache.ts';
import type { Exchange } from '../../src/contract/exchange.ts';
import type { Answer } from '../../src/contract/target.ts';
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
  /** Purges these tags. */
  ban(...tags: readonly string[]): void;
  /** Resolves when no response is fetched. */
  settled(): Promise<void>;
}

export interface CachedSetup {
  readonly rule?: Partial<CacheRule>;
  readonly memoryBytes?: number;
  readonly objectBytes?: number;
}

/** A target of the test with the cache in front of it. `answer`: gets the number of the call, from 1 on. */
export async function serveCached(
  t: ExecutionContext,
  answer: (exchange: Exchange, call: number) => Answer | Promise<void> | void,
  { rule, memoryBytes = 2 ** 26, objectBytes = 2 ** 20 }: CachedSetup = {},
): Promise<CachedServer> {
  const calls: Exchange[] = [];
  const bans = new FakeBans();
  const answers = new Answers({ memoryBytes, objectBytes, bans });
  const target = new CachedTarget({
    target: {
      name: 'functions/page.js',
      answer(exchange) {
        const result = answer(exchange, calls.push(exchange));
        return result instanceof Promise ? result.then((outcome) => outcome ?? 'answered') : (result ?? 'answered');
      },
    },
    rule: { fields: 'all', names: 'nexthop', ...rule },
    answers,
    version: answers.openVersion(),
    run: (_exchange, work) => work(),
    isOfManyPages: false,
  });
  const server = await serveExchanges(t, async (exchange) => {
    exchange.answeredBy = target.name;
    if ((await target.answer(exchange, {})) === 'passed') writeText(exchange, 421, 'passed');
  });
  return {
    ...server,
    calls,
    ask: (question) => ask(server.port, question),
    pass: (ms) => bans.pass(ms),
    ban: (...tags) => bans.add(tags),
    async settled() {
      while (answers.flights.size > 0) await nextTurn();
    },
  };
}

class FakeBans {
  #nowMs = 1_800_000_000_000;
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

  watch(): void {}

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
