import type { Redis } from 'ioredis';
import type { RedisEndpoint } from '../../config/redis-url.ts';
import type { Log } from '../../contract/log.ts';
import { addressOf, disconnect, ioredis, optionsOfNode, pauseBeforeRetry } from './client.ts';
import { nameOf, toCause } from './trouble.ts';

/**
 * Tells who listens that something was pushed, by any process. It has a connection of its own, because one that is subscribed can do nothing
 * else, and only while somebody listens.
 */
export class WakeUp {
  readonly #place: RedisEndpoint;
  readonly #channel: string;
  readonly #log: Log;
  readonly #listeners = new Set<() => void>();
  #client: Redis | undefined;
  #reportedRefusal = false;
  #isClosed = false;

  constructor(place: RedisEndpoint, channel: string, log: Log) {
    this.#place = place;
    this.#channel = channel;
    this.#log = log;
  }

  /** Returns how to stop. */
  listen(listener: () => void): () => void {
    if (this.#isClosed) return () => {};
    // The same function may listen twice.
    const call = (): void => listener();
    this.#listeners.add(call);
    this.#client ??= this.#connect();
    return () => {
      if (this.#listeners.delete(call) && this.#listeners.size === 0) void this.#disconnect();
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    await this.#disconnect();
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client) await disconnect(client);
  }

  #connect(): Redis {
    const place = this.#place;
    // In a Cluster each node hears what is published at any.
    let node = 0;
    const { Redis } = ioredis();
    const client = new Redis({
      ...optionsOfNode(place),
      ...addressOf(place),
      maxRetriesPerRequest: 0,
      // ioredis would leave it uncaught when that fails.
      autoResubscribe: false,
      retryStrategy: (attempt) => {
        // Read again before each attempt.
        if (place.mode === 'cluster') Object.assign(client.options, addressOf(place, ++node));
        return pauseBeforeRetry(attempt);
      },
    });
    // The connection of the verbs tells the log; who waits for a push looks by itself all the same.
    client.on('error', () => {});
    client.on('ready', () => void this.#subscribe(client));
    client.on('message', () => this.#ring());
    return client;
  }

  async #subscribe(client: Redis): Promise<void> {
    try {
      await client.subscribe(this.#channel);
    } catch (error) {
      // Closed again, or the user may not; ioredis rejects with nothing but errors.
      this.#reportRefusal(error as Error);
      return;
    }
    // Something may have been pushed while nobody could hear it.
    this.#ring();
  }

  #reportRefusal(error: Error): void {
    if (this.#reportedRefusal || !error.message.includes('NOPERM')) return;
    this.#reportedRefusal = true;
    this.#log.warn(
      `${nameOf(this.#place)} forbids this user the channel ${this.#channel}; jobs of other processes are noticed later`,
      { error: toCause(error) },
    );
  }

  #ring(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
