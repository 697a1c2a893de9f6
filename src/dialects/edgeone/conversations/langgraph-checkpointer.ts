import type { Fields } from './arguments.ts';
import { decode, type Entries, encode } from './entries.ts';
import { MemoryError } from './memory-error.ts';

/** `RunnableConfig` of LangChain, as far as a checkpointer reads it. */
interface RunnableConfig {
  readonly configurable?: {
    readonly thread_id?: string;
    readonly checkpoint_ns?: string;
    readonly checkpoint_id?: string;
  };
}

interface Checkpoint {
  readonly id: string;
}

interface CheckpointTuple {
  readonly config: RunnableConfig;
  readonly checkpoint: unknown;
  readonly metadata: unknown;
  readonly parentConfig?: RunnableConfig;
  readonly pendingWrites: readonly (readonly [task: string, channel: string, value: unknown])[];
}

interface ListOptions {
  readonly limit?: number;
  readonly before?: RunnableConfig;
  readonly filter?: Fields;
}

/** `BaseCheckpointSaver` of `@langchain/langgraph`. */
export type CheckpointSaverClass = abstract new () => {
  readonly serde: {
    dumpsTyped(value: unknown): Promise<readonly [type: string, bytes: Uint8Array]>;
    loadsTyped(type: string, data: Uint8Array | string): Promise<unknown>;
  };
};

/** A value as the package has serialized it: its type, and its text, of bytes in base64. */
type Serialized = readonly [type: string, text: string];

interface StoredCheckpoint {
  readonly checkpoint: Serialized;
  readonly metadata: Serialized;
  readonly parent?: string;
}

interface StoredWrite {
  readonly task: string;
  readonly path: string;
  readonly index: number;
  readonly channel: string;
  readonly value: Serialized;
}

/** Where a checkpoint is stored. */
interface Place {
  readonly thread: string;
  readonly namespace: string;
  readonly id: string;
}

/** Indexes of writes that a later one replaces; the same in all savers of LangGraph. */
const SPECIAL_WRITES: Readonly<Record<string, number>> = {
  __error__: -1,
  __scheduled__: -2,
  __interrupt__: -3,
  __resume__: -4,
};

/** Keys that a look for the newest checkpoint reads at once. */
const NEWEST = 1;

/**
 * Creates a checkpointer over the store: a subclass of the one of the site's own package, because
 * graphs use what that class has besides. Keys of checkpoints sort from new to old.
 */
export function createCheckpointer(Base: CheckpointSaverClass, entries: Entries): object {
  class Checkpointer extends Base {
    async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
      const { thread_id: thread, checkpoint_ns: namespace = '', checkpoint_id: id } = config.configurable ?? {};
      if (thread === undefined) return undefined;
      if (id !== undefined && id !== '') return this.#read({ thread, namespace, id });
      for await (const key of entries.walk(`k/${encode(thread)}/${encode(namespace)}/`, NEWEST)) {
        return this.#read(toPlace(key));
      }
      return undefined;
    }

    async *list(config: RunnableConfig, options: ListOptions = {}): AsyncGenerator<CheckpointTuple> {
      const { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id } = config.configurable ?? {};
      const { before, filter = {}, limit = Number.POSITIVE_INFINITY } = options;
      const end = before?.configurable?.checkpoint_id;
      let count = 0;
      for (const key of await entries.keys(thread === undefined ? 'k/' : `k/${encode(thread)}/`)) {
        if (count >= limit) return;
        const place = toPlace(key);
        if (namespace !== undefined && place.namespace !== namespace) continue;
        if (id !== undefined && place.id !== id) continue;
        if (end !== undefined && place.id >= end) continue;
        const tuple = await this.#read(place);
        if (!tuple || !fits(tuple.metadata, filter)) continue;
        count++;
        yield tuple;
      }
    }

    async put(config: RunnableConfig, checkpoint: Checkpoint, metadata: unknown): Promise<RunnableConfig> {
      const { checkpoint_id: parent } = config.configurable ?? {};
      const place = { ...toThread(config), id: checkpoint.id };
      const stored: StoredCheckpoint = {
        checkpoint: await this.#dump(checkpoint),
        metadata: await this.#dump(metadata),
        ...(parent !== undefined && { parent }),
      };
      await entries.write(checkpointKey(place), stored);
      return toConfig(place);
    }

    async putWrites(
      config: RunnableConfig,
      writes: readonly (readonly [channel: string, value: unknown])[],
      task: string,
      path = '',
    ): Promise<void> {
      const { checkpoint_id: id } = config.configurable ?? {};
      if (id === undefined) throw new MemoryError('MemoryValidationError', 'configurable.checkpoint_id is missing');
      const prefix = `${writesPrefix({ ...toThread(config), id })}${encode(task)}/`;
      const known = new Set(await entries.keys(prefix));
      for (const [position, [channel, value]] of writes.entries()) {
        const index = SPECIAL_WRITES[channel] ?? position;
        const key = `${prefix}${index}`;
        // A task that runs again does not replace what it has written.
        if (index >= 0 && known.has(key)) continue;
        const write: StoredWrite = { task, path, index, channel, value: await this.#dump(value) };
        await entries.write(key, write);
      }
    }

    async deleteThread(thread: string): Promise<void> {
      await removeThread(entries, thread);
    }

    async #read(place: Place): Promise<CheckpointTuple | undefined> {
      const stored = await entries.read<StoredCheckpoint>(checkpointKey(place));
      if (!stored) return undefined;
      const writes = await entries.readAll<StoredWrite>(await entries.keys(writesPrefix(place)));
      return {
        config: toConfig(place),
        checkpoint: await this.#load(stored.checkpoint),
        metadata: await this.#load(stored.metadata),
        ...(stored.parent !== undefined && { parentConfig: toConfig({ ...place, id: stored.parent }) }),
        pendingWrites: await Promise.all(
          writes.toSorted(compareWrites).map(async ({ task, channel, value }) => {
            return [task, channel, await this.#load(value)] as const;
          }),
        ),
      };
    }

    async #dump(value: unknown): Promise<Serialized> {
      const [type, bytes] = await this.serde.dumpsTyped(value);
      return [type, Buffer.from(bytes).toString(encodingOf(type))];
    }

    async #load([type, text]: Serialized): Promise<unknown> {
      try {
        return await this.serde.loadsTyped(type, new Uint8Array(Buffer.from(text, encodingOf(type))));
      } catch (cause) {
        throw new MemoryError('MemoryCorruptError', 'a stored checkpoint cannot be read', cause);
      }
    }
  }
  return new Checkpointer();
}

/** Removes all checkpoints of a thread. Resolves with the number of removed entries. */
export async function removeThread(entries: Entries, thread: string): Promise<number> {
  const writes = await entries.removeAll(`w/${encode(thread)}/`);
  return writes + (await entries.removeAll(`k/${encode(thread)}/`));
}

function toThread({ configurable: { thread_id: thread, checkpoint_ns: namespace = '' } = {} }: RunnableConfig): {
  readonly thread: string;
  readonly namespace: string;
} {
  if (typeof thread === 'string' && thread !== '') return { thread, namespace };
  throw new MemoryError('MemoryValidationError', 'configurable.thread_id is missing: use the id of the conversation');
}

function toConfig({ thread, namespace, id }: Place): RunnableConfig {
  return { configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id } };
}

function checkpointKey({ thread, namespace, id }: Place): string {
  return `k/${encode(thread)}/${encode(namespace)}/${invert(Buffer.from(id)).toString('hex')}`;
}

function toPlace(key: string): Place {
  const [, thread = '', namespace = '', id = ''] = key.split('/');
  return { thread: decode(thread), namespace: decode(namespace), id: invert(Buffer.from(id, 'hex')).toString() };
}

/** Ids of checkpoints have one length and sort by time; inverted they sort from new to old. */
function invert(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => 255 - byte));
}

function writesPrefix({ thread, namespace, id }: Place): string {
  return `w/${encode(thread)}/${encode(namespace)}/${encode(id)}/`;
}

/** By path, task and index, strings by code point: the order in which a graph applies the writes of a step. */
function compareWrites(left: StoredWrite, right: StoredWrite): number {
  return compareText(left.path, right.path) || compareText(left.task, right.task) || left.index - right.index;
}

/** UTF-8 sorts by code point. */
function compareText(left: string, right: string): number {
  return left === right ? 0 : Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function encodingOf(type: string): 'utf8' | 'base64' {
  return type === 'json' ? 'utf8' : 'base64';
}

function fits(metadata: unknown, filter: Fields): boolean {
  const fields = Object(metadata) as Fields;
  return Object.entries(filter).every(([name, value]) => fields[name] === value);
}
