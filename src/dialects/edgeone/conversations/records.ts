import type { Fields } from './arguments.ts';
import { decode, type Entries, encode } from './entries.ts';
import type { Sequence } from './sequence.ts';

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

/**
 * Conversations and messages. Keys of messages sort by the time of their writing and hold their
 * ids, so that a list needs no values. No entry is changed by two writers but those of `update…`.
 */
export class Records {
  readonly #entries: Entries;
  readonly #sequence: Sequence;

  constructor(entries: Entries, sequence: Sequence) {
    this.#entries = entries;
    this.#sequence = sequence;
  }

  conversation(id: string): Promise<StoredConversation | undefined> {
    return this.#entries.read<StoredConversation>(`c/${encode(id)}`);
  }

  async putConversation(id: string, conversation: StoredConversation): Promise<void> {
    await this.#entries.write(`c/${encode(id)}`, conversation);
  }

  async conversationIds(): Promise<readonly string[]> {
    return (await this.#entries.keys('c/')).map((key) => decode(key.slice(2)));
  }

  /** Oldest first. */
  async places(conversation: string): Promise<readonly MessagePlace[]> {
    const keys = await this.#entries.keys(`m/${encode(conversation)}/`);
    return keys.map((key) => ({ key, messageId: decode(key.slice(key.lastIndexOf('/') + 1)) }));
  }

  message({ key }: MessagePlace): Promise<StoredMessage | undefined> {
    return this.#entries.read<StoredMessage>(key);
  }

  /** Adds a message after all others that this process knows. */
  async addMessage(conversation: string, message: StoredMessage): Promise<void> {
    const key = `m/${encode(conversation)}/${this.#sequence.next()}/${encode(message.messageId)}`;
    await this.#entries.write(key, message);
  }

  async putMessage({ key }: MessagePlace, message: StoredMessage): Promise<void> {
    await this.#entries.write(key, message);
  }

  async remove(place: MessagePlace): Promise<void> {
    await this.#entries.remove(place.key);
  }

  /** Messages first: a conversation that was deleted by half can be deleted again. */
  async removeConversation(id: string): Promise<void> {
    await this.#entries.removeAll(`m/${encode(id)}/`);
    await this.#entries.remove(`c/${encode(id)}`);
  }
}
