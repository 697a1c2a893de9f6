import { randomBytes } from 'node:crypto';
import type { Kv } from '../../../contract/store.ts';
import type { Fields } from './arguments.ts';
import { MemoryError } from './memory-error.ts';

export interface StoredConversation {
  readonly createdAt: number;
  readonly lastMessageAt: number;
  readonly metadata?: Fields;
  readonly userId?: string;
}

export interface StoredMessage {
  readonly messageId: string;
  readonly role: string;
  readonly content: unknown;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly metadata?: Fields;
  readonly updatedAt?: number;
}

/** The position of a message, and its id. */
export interface MessagePlace {
  readonly key: string;
  readonly messageId: string;
}

const PAGE = 1000;

/**
 * Conversations and messages as entries of a key-value store. Keys of messages sort by the time of
 * their writing, with an own sequence for messages of one millisecond, and hold their ids, so that
 * a list needs no values. No entry is changed by two writers but those of `update…`.
 */
export class Records {
  readonly #kv: Kv;
  readonly #suffix = randomBytes(3).toString('hex');
  #lastMs = 0;
  #count = 0;

  constructor(kv: Kv) {
    this.#kv = kv;
  }

  conversation(id: string): Promise<StoredConversation | undefined> {
    return this.#read<StoredConversation>(`c/${encode(id)}`);
  }

  async putConversation(id: string, conversation: StoredConversation): Promise<void> {
    await this.#write(`c/${encode(id)}`, conversation);
  }

  async conversationIds(): Promise<readonly string[]> {
    return (await this.#keys('c/')).map((key) => decode(key.slice(2)));
  }

  /** Oldest first. */
  async places(conversation: string): Promise<readonly MessagePlace[]> {
    const keys = await this.#keys(`m/${encode(conversation)}/`);
    return keys.map((key) => ({ key, messageId: decode(key.slice(key.lastIndexOf('/') + 1)) }));
  }

  message({ key }: MessagePlace): Promise<StoredMessage | undefined> {
    return this.#read<StoredMessage>(key);
  }

  /** Adds a message after all others that this process knows. */
  async addMessage(conversation: string, message: StoredMessage): Promise<void> {
    await this.#write(`m/${encode(conversation)}/${this.#next()}/${encode(message.messageId)}`, message);
  }

  async putMessage({ key }: MessagePlace, message: StoredMessage): Promise<void> {
    await this.#write(key, message);
  }

  async remove(place: MessagePlace): Promise<void> {
    await this.#run(this.#kv.delete(place.key));
  }

  async removeConversation(id: string): Promise<void> {
    for (const place of await this.places(id)) await this.remove(place);
    await this.#run(this.#kv.delete(`c/${encode(id)}`));
  }

  #next(): string {
    const nowMs = Date.now();
    this.#count = nowMs > this.#lastMs ? 0 : this.#count + 1;
    // A clock that was set back must not put a message before an older one.
    this.#lastMs = Math.max(nowMs, this.#lastMs);
    return `${String(this.#lastMs).padStart(15, '0')}${String(this.#count).padStart(6, '0')}${this.#suffix}`;
  }

  async #keys(prefix: string): Promise<readonly string[]> {
    const all: string[] = [];
    for (;;) {
      const keys = await this.#run(this.#kv.list(prefix, PAGE, all.at(-1)));
      all.push(...keys);
      if (keys.length < PAGE) return all;
    }
  }

  async #read<T>(key: string): Promise<T | undefined> {
    const bytes = await this.#run(this.#kv.get(key));
    return bytes && (JSON.parse(Buffer.from(bytes).toString()) as T); // `#write` wrote it
  }

  async #write(key: string, value: object): Promise<void> {
    await this.#run(this.#kv.put(key, Buffer.from(JSON.stringify(value))));
  }

  async #run<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (cause) {
      throw new MemoryError('MemoryStorageError', 'the store of conversations cannot be reached', cause);
    }
  }
}

function encode(id: string): string {
  return encodeURIComponent(id);
}

function decode(id: string): string {
  return decodeURIComponent(id);
}
