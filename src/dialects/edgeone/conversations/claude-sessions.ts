import { createHash } from 'node:crypto';
import { type Fields, invalid, toFields, toId } from './arguments.ts';
import { decode, type Entries, encode } from './entries.ts';
import type { Sequence } from './sequence.ts';

/** A line of a transcript. */
type TranscriptEntry = Fields;

/**
 * The `SessionStore` of `@anthropic-ai/claude-agent-sdk`: transcripts of its sessions and of their
 * subagents. Each `append` is one entry of the store, so no two processes change the same one. An
 * entry of a transcript with a `uuid` that is there already is left out when it is read.
 */
export class ClaudeSessions {
  readonly #entries: Entries;
  readonly #sequence: Sequence;

  constructor(entries: Entries, sequence: Sequence) {
    this.#entries = entries;
    this.#sequence = sequence;
  }

  readonly append = async (key: unknown, given: unknown): Promise<void> => {
    if (!Array.isArray(given)) throw invalid('the entries of a transcript must be a list');
    if (given.length === 0) return;
    const { project, session, prefix } = toPlace(key);
    await this.#entries.write(prefix + this.#sequence.next(), given);
    await this.#entries.write(`p/${project}/${session}`, Date.now());
  };

  /** Null for a session that was never written. */
  readonly load = async (key: unknown): Promise<readonly TranscriptEntry[] | null> => {
    const parts = await this.#entries.keys(toPlace(key).prefix);
    if (parts.length === 0) return null;
    const seen = new Set<unknown>();
    return (await this.#entries.readAll<readonly TranscriptEntry[]>(parts)).flat().filter(({ uuid }) => {
      if (uuid === undefined) return true;
      return !seen.has(uuid) && Boolean(seen.add(uuid));
    });
  };

  readonly listSessions = async (
    projectKey: unknown,
  ): Promise<readonly { readonly sessionId: string; readonly mtime: number }[]> => {
    const prefix = `p/${encode(toId('projectKey', projectKey))}/`;
    const keys = await this.#entries.keys(prefix);
    return Promise.all(
      keys.map(async (key) => ({
        sessionId: decode(key.slice(prefix.length)),
        mtime: (await this.#entries.read<number>(key)) ?? 0,
      })),
    );
  };

  /** A key without `subpath` is the whole session, with its subagents. */
  readonly delete = async (key: unknown): Promise<void> => {
    const { project, session, prefix, isWhole } = toPlace(key);
    await this.#entries.removeAll(isWhole ? `t/${session}/${project}/` : prefix);
    if (isWhole) await this.#entries.remove(`p/${project}/${session}`);
  };

  readonly listSubkeys = async (key: unknown): Promise<readonly string[]> => {
    const { project, session } = toPlace(key);
    const prefix = `t/${session}/${project}/`;
    const names = (await this.#entries.keys(prefix)).map((each) => each.slice(prefix.length).split('/', 1)[0] ?? '');
    return [...new Set(names)].filter((name) => name !== MAIN).map((name) => decode(name.slice(1)));
  };

  /** Removes a session in all projects. Resolves with the number of removed entries. */
  async removeEverywhere(sessionId: string): Promise<number> {
    const prefix = `t/${encode(sessionId)}/`;
    const keys = await this.#entries.keys(prefix);
    const projects = new Set(keys.map((key) => key.slice(prefix.length).split('/', 1)[0] ?? ''));
    for (const project of projects) await this.#entries.remove(`p/${project}/${encode(sessionId)}`);
    for (const key of keys) await this.#entries.remove(key);
    return keys.length;
  }
}

/** Names the main transcript in keys; those of subagents begin with "+". */
const MAIN = '-';

interface Place {
  readonly project: string;
  readonly session: string;
  readonly isWhole: boolean;
  readonly prefix: string;
}

function toPlace(key: unknown): Place {
  const { projectKey, sessionId, subpath } = toFields(key);
  const project = encode(toId('projectKey', projectKey));
  const session = encode(toId('sessionId', sessionId));
  const isWhole = subpath === undefined;
  const name = isWhole ? MAIN : `+${encode(toId('subpath', subpath))}`;
  return { project, session, isWhole, prefix: `t/${session}/${project}/${name}/` };
}

/** As it is written, and not of version 8: a hash never has the form of an id of a client. */
const UUID = /^[\da-f]{8}-[\da-f]{4}-[0-79a-f][\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/;

/**
 * The id of the Claude session of a conversation: a UUID, the same in every process. It is the id
 * of the conversation if that is one, or else made of its hash (RFC 9562, version 8).
 */
export function toSessionId(conversation: string): string {
  if (UUID.test(conversation)) return conversation;
  const bytes = createHash('sha256').update(`nexthop conversation ${conversation}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
