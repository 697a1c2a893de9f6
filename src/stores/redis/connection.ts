import type { Cluster, Redis } from 'ioredis';
import type { RedisEndpoint } from '../../config/redis-url.ts';
import { Fault } from '../../contract/fault.ts';
import type { Log } from '../../contract/log.ts';
import { createClient, disconnect } from './client.ts';
import type { Needs, Script } from './script.ts';
import { messageOf, nameOf, type Trouble, toCause, toTrouble } from './trouble.ts';

/** For one verb, the wait for a connection included. The contract of stores gives a second. */
const DEADLINE_MS = 900;

/** What ioredis says of commands that were under way when the connection broke; why it broke, an event has told. */
const BROKEN = /^(?:Reached the max retries|Connection is closed|Stream isn't writeable|Cluster isn't ready)/;

/** Redis took the verb and said nothing. It may have done it, or may do it yet. */
class NoAnswer extends Error {}

/** The way to Redis for every verb: open from the start, back by itself, and with an end to each wait. */
export class Connection {
  readonly name: string;
  readonly #client: Redis | Cluster;
  readonly #condition: Condition;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Of the connection, since it was ready last. */
  #lastError: Error | undefined;
  /** Whether the connection became ready before a verb may take no longer. After that nobody waits for it any more, but each is told at once. */
  #readiness = Promise.withResolvers<boolean>();
  #patience: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(place: RedisEndpoint, log: Log) {
    this.name = nameOf(place);
    this.#condition = new Condition(log, this.name);
    this.#client = createClient(place);
    this.#await();
    this.#client.on('ready', () => this.#arrive());
    this.#client.on('close', () => this.#await());
    const remember = (error: Error): void => {
      this.#lastError = error;
    };
    this.#client.on('error', remember);
    // Of a Cluster; a node that is away while the others do its work is no trouble.
    this.#client.on('node error', remember);
  }

  /** Runs `script` on the key `root`. Resolves with its reply, every string of it a Buffer. Rejects with the Fault `store_unavailable` within a second. */
  async run(script: Script, root: string, ...args: readonly (string | number | Buffer)[]): Promise<unknown> {
    if (this.#isClosed) throw new Fault('store_unavailable', { message: `the store on ${this.name} is closed` });
    const answer = this.#ask(script, [1, root, ...args]);
    this.#underWay.add(answer);
    try {
      const reply = await answer;
      this.#condition.good(script.needs);
      return reply;
    } catch (error) {
      // ioredis rejects with nothing but errors.
      throw this.#toFault(error as Error, script);
    } finally {
      this.#underWay.delete(answer);
    }
  }

  /** Calls `listener` each time the connection is ready. */
  onReady(listener: () => void): void {
    this.#client.on('ready', listener);
  }

  /** Resolves when the connection is closed, after the verbs under way; they have their deadlines. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
    clearTimeout(this.#patience);
    await disconnect(this.#client);
  }

  #ask(script: Script, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#isReady ? new NoAnswer() : this.#notReady()), DEADLINE_MS);
      const send = async (): Promise<unknown> => {
        // The wait began with the loss of the connection, so it ends before the deadline does: nothing is sent after that.
        if (!this.#isReady && !(await this.#readiness.promise)) throw this.#notReady();
        return this.#send(script, args);
      };
      send()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  }

  /** A server that has not met the script, or has forgotten it, says so and does nothing. */
  async #send({ sha, lua }: Script, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    const client: Pick<Redis, 'callBuffer'> = this.#client;
    try {
      return await client.callBuffer('EVALSHA', sha, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return client.callBuffer('EVAL', lua, ...args);
    }
  }

  get #isReady(): boolean {
    return this.#client.status === 'ready';
  }

  #arrive(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#lastError = undefined;
    this.#readiness.resolve(true);
    this.#condition.good('reading');
  }

  /** From now on the connection is not ready. */
  #await(): void {
    if (this.#patience || this.#isClosed) return;
    this.#readiness = Promise.withResolvers();
    this.#patience = setTimeout(() => {
      this.#readiness.resolve(false);
      this.#condition.bad(this.#toTrouble(this.#notReady(), 'reading'));
    }, DEADLINE_MS).unref();
  }

  #notReady(): Error {
    if (this.#client.status === 'connect') {
      return new Error('it is not ready yet, and may be reading its data from disk');
    }
    return this.#lastError ?? new Error('no answer');
  }

  #toFault(error: Error, { needs }: Script): Fault {
    const trouble = this.#toTrouble(error, needs);
    // A connection that breaks is often back before anybody notices; `#await` tells when it is not.
    if (this.#isReady && !BROKEN.test(error.message)) this.#condition.bad(trouble);
    return new Fault('store_unavailable', { message: `${this.name} ${trouble.words}`, cause: toCause(error) });
  }

  #toTrouble(error: Error, needs: Needs): Trouble {
    if (error instanceof NoAnswer) return { words: `gave no answer within ${DEADLINE_MS} ms`, needs: 'reading' };
    const known = toTrouble(error, needs);
    if (known) return known;
    const isBroken = BROKEN.test(error.message);
    if (this.#isReady && !isBroken) return { words: `cannot be used: ${messageOf(error)}`, needs };
    const reason = isBroken ? (this.#lastError ?? new Error('the connection broke')) : error;
    return { words: `cannot be reached: ${messageOf(reason)}`, needs: 'reading' };
  }
}

const RANK: Readonly<Record<Needs, number>> = { reading: 0, writing: 1, memory: 2 };

/**
 * Whether Redis does what it is there for, as the log tells it: once when it stops to, once when it does again, however many
 * verbs fail meanwhile.
 */
class Condition {
  readonly #log: Log;
  readonly #name: string;
  #trouble: Trouble | undefined;
  #sinceMs = 0;

  constructor(log: Log, name: string) {
    this.#log = log;
    this.#name = name;
  }

  bad(trouble: Trouble): void {
    if (this.#trouble && RANK[this.#trouble.needs] <= RANK[trouble.needs]) return;
    if (!this.#trouble) this.#sinceMs = performance.now();
    this.#trouble = trouble;
    this.#log.warn(`${this.#name} ${trouble.words}; what needs it is answered with store_unavailable until it is back`);
  }

  /** Something that needs `needs` worked. That a replica can be read does not say that it takes writes again. */
  good(needs: Needs): void {
    if (!this.#trouble || RANK[needs] < RANK[this.#trouble.needs]) return;
    this.#trouble = undefined;
    const seconds = ((performance.now() - this.#sinceMs) / 1000).toFixed(1);
    this.#log.info(`${this.#name} is back after ${seconds} s`);
  }
}
