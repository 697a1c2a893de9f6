import { invalid, toId } from './arguments.ts';
import { type Entries, encode } from './entries.ts';

/** `store.state`: values of one conversation, as JSON. */
export class ConversationState {
  readonly #entries: Entries;
  readonly #conversation: string;
  readonly #limitBytes: number;

  /** `conversation`: '' if the request names none. `limitBytes`: of one value; 0: no limit. */
  constructor(entries: Entries, conversation: string, limitBytes: number) {
    this.#entries = entries;
    this.#conversation = conversation;
    this.#limitBytes = limitBytes;
  }

  /** Null if the key is absent. */
  readonly get = async (key: unknown): Promise<unknown> => {
    const name = toId('key', key);
    if (this.#conversation === '') return null;
    return (await this.#entries.read<unknown>(this.#keyOf(name))) ?? null;
  };

  readonly set = async (key: unknown, value: unknown): Promise<void> => {
    const name = toId('key', key);
    if (this.#conversation === '') throw invalid('the request has no makers-conversation-id, so it has no state');
    checkJson(value, []);
    const bytes = Buffer.byteLength(JSON.stringify(value));
    if (this.#limitBytes > 0 && bytes > this.#limitBytes) {
      throw invalid(`a value must have at most ${this.#limitBytes} bytes, got ${bytes}`);
    }
    await this.#entries.write(this.#keyOf(name), value);
  };

  /** Also resolves if the key is absent. */
  readonly delete = async (key: unknown): Promise<void> => {
    const name = toId('key', key);
    if (this.#conversation !== '') await this.#entries.remove(this.#keyOf(name));
  };

  /** Resolves with the number of removed values. */
  static removeAll(entries: Entries, conversation: string): Promise<number> {
    return entries.removeAll(`s/${encode(conversation)}/`);
  }

  #keyOf(key: string): string {
    return `s/${encode(this.#conversation)}/${encode(key)}`;
  }
}

/** Throws for a value that is not the same after it was written as JSON and read. `above`: the objects that hold it. */
function checkJson(value: unknown, above: readonly unknown[]): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return;
  const isPlain = Array.isArray(value) || (typeof value === 'object' && isPlainObject(value));
  if (!isPlain) throw invalid(`a value must be JSON, got ${describe(value)}`);
  if (above.includes(value)) throw invalid('a value must be JSON, got one that holds itself');
  for (const each of Object.values(value)) if (each !== undefined) checkJson(each, [...above, value]);
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function describe(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'an object') : typeof value;
}
