import type { Cluster, Redis } from 'ioredis';
import type { RedisEndpoint } from '../../config/redis-url.ts';
import { Fault } from '../../contract/fault.ts';
import type { Log } from '../../contract/log.ts';
import type { StoreObserver } from '../../contract/metrics.ts';
import { CALL_TIMEOUT_MS } from '../../contract/store.ts';
import { createClient, disconnect } from './client.ts';
import type { Needs, Script } from './script.ts';
import { messageOf, nameOf, type Trouble, toCause, toTrouble } from './trouble.ts';

/**
 * Messages of ioredis for commands that were in flight when the connection broke. The reason
 * arrives in an `error` event.
 */
const BROKEN = /^(?:Reached the max retries|Connection is closed|Stream isn't writeable|Cluster isn't ready)/;

/** Redis did not reply to the verb. It may have run it, or may still run it. */
class NoReply extends Error {}

/**
 * The connection to Redis for all verbs. It is opened at the start, reconnects by itself, and
 * limits each wait.
 */
export class Connection {
  readonly name: string;
  readonly #client: Redis | Cluster;
  readonly #callTimeoutMs: number;
  readonly #condition: Condition;
  readonly #inFlight = new Set<Promise<unknown>>();
  /** The last error of the connection since it was last ready. */
  #lastError: Error | undefined;
  /**
   * Resolves with whether the connection became ready within the deadline of a verb. After that,
   * verbs are rejected at once.
   */
  #readiness = Promise.withResolvers<boolean>();
  #readyTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  readonly #observer: StoreObserver | undefined;

  /** `callTimeoutMs`: the time limit of one verb, including the wait for a connection. */
  constructor(endpoint: RedisEndpoint, log: Log, callTimeoutMs = CALL_TIMEOUT_MS, observer?: StoreObserver) {
    this.#observer = observer;
    this.#callTimeoutMs = callTimeoutMs;
    this.name = nameOf(endpoint);
    this.#condition = new Condition(log, this.name);
    this.#client = createClient(endpoint);
    this.#awaitReady();
    this.#client.on('ready', () => this.#becomeReady());
    this.#client.on('close', () => this.#awaitReady());
    const remember = (error: Error): void => {
      this.#lastError = error;
    };
    this.#client.on('error', remember);
    // An event of the Cluster client. One node that is away is no trouble while the others work.
    this.#client.on('node error', remember);
  }

  /**
   * Runs `script` on the key `root`. Resolves with its reply, in which all strings are Buffers.
   * Rejects with the Fault `store_unavailable` within a second.
   */
  run(script: Script, root: string, ...args: readonly (string | number | Buffer)[]): Promise<unknown> {
    const work = () => this.#run(script, root, args);
    return this.#observer ? this.#observer.observe('redis', 'EVALSHA', work) : work();
  }

  async #run(script: Script, root: string, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    if (this.#isClosed) throw new Fault('store_unavailable', { message: `the store on ${this.name} is closed` });
    const running = this.#runUntilDeadline(script, [1, root, ...args]);
    this.#inFlight.add(running);
    try {
      const reply = await running;
      this.#condition.good(script.needs);
      return reply;
    } catch (error) {
      // ioredis rejects with errors only.
      throw this.#toFault(error as Error, script);
    } finally {
      this.#inFlight.delete(running);
    }
  }

  /** Calls `listener` each time the connection is ready. Returns a function that removes it. */
  onReady(listener: () => void): () => void {
    this.#client.on('ready', listener);
    return () => this.#client.off('ready', listener);
  }

  /** Closes the connection after the verbs in flight, which have their deadlines. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#inFlight);
    clearTimeout(this.#readyTimer);
    await disconnect(this.#client);
  }

  #runUntilDeadline(script: Script, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#isReady ? new NoReply() : this.#notReady()), this.#callTimeoutMs);
      const send = async (): Promise<unknown> => {
        // The wait began when the connection was lost, so it ends before this deadline: nothing is
        // sent after the deadline.
        if (!this.#isReady && !(await this.#readiness.promise)) throw this.#notReady();
        return this.#send(script, args);
      };
      send()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  }

  /**
   * A server without the script replies NOSCRIPT and runs nothing; then the whole script
   * is sent.
   */
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

  #becomeReady(): void {
    clearTimeout(this.#readyTimer);
    this.#readyTimer = undefined;
    this.#lastError = undefined;
    this.#readiness.resolve(true);
    this.#condition.good('reading');
  }

  /** Starts to wait until the connection is ready. */
  #awaitReady(): void {
    if (this.#readyTimer || this.#isClosed) return;
    this.#readiness = Promise.withResolvers();
    this.#readyTimer = setTimeout(() => {
      this.#readiness.resolve(false);
      this.#condition.bad(this.#toTrouble(this.#notReady(), 'reading'));
    }, this.#callTimeoutMs).unref();
  }

  #notReady(): Error {
    // What Redis refuses, e.g. the login, says more than the state of the connection at this moment.
    if (this.#lastError && toTrouble(this.#lastError, 'reading')) return this.#lastError;
    if (this.#client.status === 'connect') {
      return new Error('it is not ready yet, and may be reading its data from disk');
    }
    return this.#lastError ?? new Error('no reply');
  }

  #toFault(error: Error, { needs }: Script): Fault {
    const trouble = this.#toTrouble(error, needs);
    // A broken connection is often restored at once; `#awaitReady` logs it if not.
    if (this.#isReady && !BROKEN.test(error.message)) this.#condition.bad(trouble);
    return new Fault('store_unavailable', { message: `${this.name} ${trouble.words}`, cause: toCause(error) });
  }

  #toTrouble(error: Error, needs: Needs): Trouble {
    if (error instanceof NoReply) return { words: `did not reply within ${this.#callTimeoutMs} ms`, needs: 'reading' };
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
 * Logs the state of Redis: one line when it stops working and one when it works again, however many
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
    this.#log.warn(
      `${this.#name} ${trouble.words}; operations that need it fail with store_unavailable until it is back`,
    );
  }

  /**
   * Records that an operation that needs `needs` succeeded. Reading from a replica does not prove
   * that writes work again.
   */
  good(needs: Needs): void {
    if (!this.#trouble || RANK[needs] < RANK[this.#trouble.needs]) return;
    this.#trouble = undefined;
    const seconds = ((performance.now() - this.#sinceMs) / 1000).toFixed(1);
    this.#log.info(`${this.#name} is back after ${seconds} s`);
  }
}
