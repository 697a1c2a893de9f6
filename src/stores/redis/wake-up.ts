import type { Redis } from 'ioredis';
import type { RedisEndpoint } from '../../config/redis-url.ts';
import type { Log } from '../../contract/log.ts';
import { addressOf, disconnect, ioredis, optionsOfNode, pauseBeforeRetry } from './client.ts';
import { nameOf, toCause } from './trouble.ts';

export interface WakeUpParts {
  readonly endpoint: RedisEndpoint;
  readonly channel: string;
  readonly log: Log;
  /** What is noticed later without the channel. */
  readonly delays: string;
}

/**
 * A connection without messages is checked this often: a router may have forgotten it, which neither side notices. Until then purges of other processes do not arrive.
 */
const CHECK_EACH_MS = 1000;

/** `message`: what was published; '' after a new connection. */
export type WakeUpListener = (message: string) => void;

/**
 * Calls its listeners when any process has published to the channel, and after each new connection. It has a separate connection, because a
 * subscribed connection accepts no other commands, and it is connected only while there is a
 * listener.
 */
export class WakeUp {
  readonly #parts: WakeUpParts;
  readonly #listeners = new Set<WakeUpListener>();
  readonly #deafListeners = new Set<() => void>();
  #isSubscribed = false;
  #client: Redis | undefined;
  #check: NodeJS.Timeout | undefined;
  #reportedRefusal = false;
  #isClosed = false;

  constructor(parts: WakeUpParts) {
    this.#parts = parts;
  }

  /** Whether messages that are published now arrive, as far as it is known. */
  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /** `onDeaf`: called when the connection is lost. Returns a function that removes the listeners. */
  listen(listener: WakeUpListener, onDeaf?: () => void): () => void {
    if (this.#isClosed) return () => {};
    // A new function each time, because the same listener may be added twice.
    const call = (message: string): void => listener(message);
    this.#listeners.add(call);
    if (onDeaf) this.#deafListeners.add(onDeaf);
    this.#client ??= this.#connect();
    return () => {
      if (onDeaf) this.#deafListeners.delete(onDeaf);
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
    clearInterval(this.#check);
    if (client) await disconnect(client);
  }

  #connect(): Redis {
    const { endpoint } = this.#parts;
    // In a Cluster every node receives what is published at any node.
    let node = 0;
    const { Redis } = ioredis();
    const client = new Redis({
      ...optionsOfNode(endpoint),
      ...addressOf(endpoint),
      maxRetriesPerRequest: 0,
      // ioredis would leave a failed resubscription as an unhandled rejection.
      autoResubscribe: false,
      retryStrategy: () => {
        // ioredis reads the options again before each attempt.
        if (endpoint.mode === 'cluster') Object.assign(client.options, addressOf(endpoint, ++node));
        return pauseBeforeRetry();
      },
    });
    // The connection of the verbs logs failures. Workers also check for jobs without notifications.
    client.on('error', () => {});
    client.on('ready', () => void this.#subscribe(client));
    client.on('close', () => this.#becomeDeaf());
    client.on('message', (_, message) => this.#notify(message));
    // A check without a reply ends the connection (SILENCE_MS).
    this.#check = setInterval(() => client.status === 'ready' && client.ping().catch(() => {}), CHECK_EACH_MS).unref();
    return client;
  }

  async #subscribe(client: Redis): Promise<void> {
    try {
      await client.subscribe(this.#parts.channel);
    } catch (error) {
      // The connection was closed again, or the user lacks the right. ioredis rejects with errors
      // only.
      this.#reportRefusal(error as Error);
      return;
    }
    // It may have been closed in the meantime.
    this.#isSubscribed = client.status === 'ready';
    // A message may have been published while the connection was away.
    this.#notify('');
  }

  #becomeDeaf(): void {
    if (!this.#isSubscribed) return;
    this.#isSubscribed = false;
    for (const listener of [...this.#deafListeners]) listener();
  }

  #reportRefusal(error: Error): void {
    if (this.#reportedRefusal || !error.message.includes('NOPERM')) return;
    this.#reportedRefusal = true;
    const { endpoint, channel, log, delays } = this.#parts;
    log.warn(
      `${nameOf(endpoint)} forbids this user the channel ${channel}; ${delays} are noticed later; allow it in the ACL of the user`,
      {
        error: toCause(error),
      },
    );
  }

  #notify(message: string): void {
    for (const listener of [...this.#listeners]) listener(message);
  }
}
