import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { MessageBusEndpoint } from '../../config/message-bus-endpoint.ts';
import type { Log } from '../../contract/log.ts';
import { createClient, disconnect, ioredis } from './client.ts';
import { messageOf, toCause } from './trouble.ts';

export interface MessageBusParts {
  readonly place: MessageBusEndpoint;
  /** Called for each message that asks for a reload; nothing is awaited. */
  readonly onUpdate: () => void;
  readonly log: Log;
}

/** A registration with Section's message bus, and whoever waits there for messages. */
export interface MessageBus {
  /** Ends the wait at once; resolves when no connection is open any more. */
  close(): Promise<void>;
}

/**
 * Registers and waits, now and for as long as it is open, whatever becomes of the Redis that carries the bus. Never rejects and holds nobody up.
 * The protocol is that of section-io/proxymessage, which every module of the platform speaks.
 */
export function openMessageBus(parts: MessageBusParts): MessageBus {
  const registration = new Registration(parts);
  const wait = new Wait(parts);
  return {
    async close() {
      await Promise.all([registration.close(), wait.close()]);
    },
  };
}

/** Says again and again that somebody listens: the platform forgets who did not for a while, with all messages for them. */
class Registration {
  readonly #parts: MessageBusParts;
  readonly #client: ReturnType<typeof createClient>;
  readonly #timer: NodeJS.Timeout;

  constructor(parts: MessageBusParts) {
    this.#parts = parts;
    const { host, port, registerEveryMs } = parts.place;
    this.#client = createClient({
      mode: 'single',
      nodes: [{ host, port }],
      tls: false,
      database: 0,
      group: '',
    });
    // The wait beside it tells the log of a Redis that is away.
    this.#client.on('error', () => {});
    this.#client.on('ready', () => void this.#register());
    this.#timer = setInterval(() => void this.#register(), registerEveryMs).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await disconnect(this.#client);
  }

  async #register(): Promise<void> {
    const { place, log } = this.#parts;
    if (this.#client.status !== 'ready') return;
    try {
      await this.#client.zadd(place.registrationKey, Math.floor(Date.now() / 1000), place.listKey);
    } catch (error) {
      // ioredis rejects with nothing but errors.
      if (this.#client.status === 'ready')
        log.warn('the message bus took no registration', { error: toCause(error as Error) });
    }
  }
}

/** So many failures in a row are tried again at once; after them come pauses that grow by a second each. */
const QUICK_FAILURES = 3;
const LONGEST_PAUSE_S = 30;

/** A Redis that does not even say that there was no message is not there any more. */
const GRACE_MS = 5000;
const CONNECT_TIMEOUT_MS = 5000;

/** Different messages that are told; whoever makes up more must not fill the log, or the memory. */
const MOST_TOLD = 100;

/** A BRPOP occupies its connection, so it has one of its own. */
class Wait {
  readonly #parts: MessageBusParts;
  readonly #client: Redis;
  readonly #ending = new AbortController();
  readonly #told = new Set<string>();
  readonly #over: Promise<void>;
  #failures = 0;

  constructor(parts: MessageBusParts) {
    this.#parts = parts;
    const { Redis } = ioredis();
    this.#client = new Redis({
      host: parts.place.host,
      port: parts.place.port,
      lazyConnect: true,
      connectionName: 'nexthop',
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepAlive: 30_000,
      disconnectTimeout: 300,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      // The loop below connects, with the pauses of the protocol.
      retryStrategy: () => null,
    });
    this.#client.on('error', () => {});
    this.#over = this.#run();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await disconnect(this.#client);
    await this.#over;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        const text = await this.#receive();
        this.#succeed();
        if (text !== undefined) this.#read(text);
      } catch (error) {
        if (signal.aborted) return;
        // ioredis rejects with nothing but errors.
        await this.#fail(error as Error);
      }
    }
  }

  /** Undefined when there was no message for as long as one waits. */
  async #receive(): Promise<string | undefined> {
    const { listKey, waitMs } = this.#parts.place;
    const client = this.#client;
    if (client.status !== 'ready') await client.connect();
    const silence = setTimeout(() => client.disconnect(), waitMs + GRACE_MS);
    try {
      return (await client.brpop(listKey, waitMs / 1000))?.[1];
    } finally {
      clearTimeout(silence);
    }
  }

  #succeed(): void {
    if (this.#failures > 0) this.#parts.log.info('the message bus is back');
    this.#failures = 0;
  }

  async #fail(error: Error): Promise<void> {
    const { log, place } = this.#parts;
    if (this.#failures === 0) {
      const where = `${place.host}:${place.port}`;
      log.warn(`the message bus at ${where} is away: ${messageOf(error)}; requests do not need it`, {
        error: toCause(error),
      });
    }
    this.#failures++;
    if (this.#failures <= QUICK_FAILURES) return;
    const pauseMs = Math.min(this.#failures, LONGEST_PAUSE_S) * 1000;
    await delay(pauseMs, undefined, { signal: this.#ending.signal }).catch(() => {});
  }

  #read(text: string): void {
    const { log, onUpdate } = this.#parts;
    const type = typeOf(text);
    if (type === 'updateenvironment') {
      log.info('the message bus asks for a reload');
      onUpdate();
      return;
    }
    const what =
      type === undefined
        ? 'a message of the bus cannot be read'
        : `a message of the bus is not for this module: ${type}`;
    if (this.#told.has(what) || this.#told.size === MOST_TOLD) return;
    this.#told.add(what);
    log.warn(what);
  }
}

/** Undefined for what is no message. */
function typeOf(text: string): string | undefined {
  try {
    const message: unknown = JSON.parse(text);
    if (typeof message !== 'object' || message === null || !('message_type' in message)) return undefined;
    return typeof message.message_type === 'string' ? message.message_type.slice(0, 80) : undefined;
  } catch {
    // No JSON.
    return undefined;
  }
}
