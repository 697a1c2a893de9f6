import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { MessageBusEndpoint } from '../../config/message-bus-endpoint.ts';
import type { Log } from '../../contract/log.ts';
import { createClient, disconnect, ioredis } from './client.ts';
import { messageOf, toCause } from './trouble.ts';

export interface MessageBusParts {
  readonly endpoint: MessageBusEndpoint;
  /** Called for each message that requests a reload. Its result is not awaited. */
  readonly onUpdate: () => void;
  readonly log: Log;
}

/** A registration at Section's message bus, and a loop that receives its messages. */
export interface MessageBus {
  /** Stops the loop at once. Resolves when no connection is open any more. */
  close(): Promise<void>;
}

/**
 * Registers and receives messages until it is closed, also after failures of the Redis that carries
 * the bus. Never rejects and delays no request. The protocol is that of section-io/proxymessage,
 * which every module of the platform uses.
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

/**
 * Repeats the registration. The platform removes a module that has not registered for a while,
 * together with all messages for it.
 */
class Registration {
  readonly #parts: MessageBusParts;
  readonly #client: ReturnType<typeof createClient>;
  readonly #timer: NodeJS.Timeout;

  constructor(parts: MessageBusParts) {
    this.#parts = parts;
    const { host, port, registerEveryMs } = parts.endpoint;
    this.#client = createClient({
      mode: 'single',
      nodes: [{ host, port }],
      tls: false,
      database: 0,
      group: '',
    });
    // `Wait` logs a Redis that is away.
    this.#client.on('error', () => {});
    this.#client.on('ready', () => void this.#register());
    this.#timer = setInterval(() => void this.#register(), registerEveryMs).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await disconnect(this.#client);
  }

  async #register(): Promise<void> {
    const { endpoint, log } = this.#parts;
    if (this.#client.status !== 'ready') return;
    try {
      await this.#client.zadd(endpoint.registrationKey, Math.floor(Date.now() / 1000), endpoint.listKey);
    } catch (error) {
      // ioredis rejects with errors only.
      if (this.#client.status === 'ready')
        log.warn(
          `the message bus at ${endpoint.host}:${endpoint.port} refused the registration in ${endpoint.registrationKey}, so it may send no requests for a reload; check PROXY_REGO_KEY and the rights of the user`,
          { error: toCause(error as Error) },
        );
    }
  }
}

/** After this many failures in a row, each further retry waits one second longer. */
const QUICK_FAILURES = 3;
const LONGEST_PAUSE_S = 30;

/** A Redis that does not even report the end of the wait within this time is considered dead. */
const GRACE_MS = 5000;
const CONNECT_TIMEOUT_MS = 5000;

/**
 * Limit of different messages that are logged, so that a sender of arbitrary messages fills neither
 * the log nor the memory.
 */
const MOST_LOGGED = 100;

/** A BRPOP blocks its connection, so the loop has a separate connection. */
class Wait {
  readonly #parts: MessageBusParts;
  readonly #client: Redis;
  readonly #ending = new AbortController();
  readonly #logged = new Set<string>();
  readonly #over: Promise<void>;
  #failures = 0;

  constructor(parts: MessageBusParts) {
    this.#parts = parts;
    const { Redis } = ioredis();
    this.#client = new Redis({
      host: parts.endpoint.host,
      port: parts.endpoint.port,
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
        // ioredis rejects with errors only.
        await this.#fail(error as Error);
      }
    }
  }

  /** Undefined if no message arrived within the wait. */
  async #receive(): Promise<string | undefined> {
    const { listKey, waitMs } = this.#parts.endpoint;
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
    const { log, endpoint } = this.#parts;
    if (this.#failures === 0) {
      const where = `${endpoint.host}:${endpoint.port}`;
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
      log.info('the message bus requests a reload');
      onUpdate();
      return;
    }
    const what =
      type === undefined
        ? 'a message of the bus cannot be read and is ignored'
        : `a message of the bus is not for this module and is ignored: ${type}`;
    if (this.#logged.has(what) || this.#logged.size === MOST_LOGGED) return;
    this.#logged.add(what);
    log.warn(what);
  }
}

/** Undefined if `text` is not a message of the bus. */
function typeOf(text: string): string | undefined {
  try {
    const message: unknown = JSON.parse(text);
    if (typeof message !== 'object' || message === null || !('message_type' in message)) return undefined;
    return typeof message.message_type === 'string' ? message.message_type.slice(0, 80) : undefined;
  } catch {
    // Not JSON.
    return undefined;
  }
}
