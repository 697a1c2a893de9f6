import type { RedisEndpoint } from '../../config/redis-url.ts';
import type { Needs } from './script.ts';

/** A problem of Redis, described for the log. */
export interface Trouble {
  readonly words: string;
  /**
   * The least demanding operation that fails at the moment. Operations that need less may still
   * work.
   */
  readonly needs: Needs;
}

/**
 * By the code of an error reply. A reply of a script, or of a Cluster after several tries, has the
 * code somewhere inside. The last rows are messages of the client.
 */
const REPLIES: readonly (readonly [RegExp, string, Needs?])[] = [
  [/\bREADONLY\b/, 'is a replica that accepts no writes', 'writing'],
  [/\bOOM\b/, 'is out of memory (maxmemory)', 'memory'],
  [/\bMISCONF\b/, 'cannot write to its disk, and accepts no writes', 'writing'],
  [/\bNOREPLICAS\b/, 'has too few replicas, and accepts no writes', 'writing'],
  [/\bLOADING\b/, 'is reading its data from disk', 'reading'],
  [/\bMASTERDOWN\b/, 'is a replica without its master', 'reading'],
  [/\bCLUSTERDOWN\b/, 'is a Cluster of which a part is down', 'reading'],
  [/\bBUSY\b/, 'is blocked by a script', 'reading'],
  [/\b(?:NOAUTH|WRONGPASS)\b/, 'refuses the login', 'reading'],
  [/Failed to refresh slots cache/, 'has no reachable node', 'reading'],
  [/Too many Cluster redirections/, 'redirects too often on the way to the node that has the keys'],
  [/\bNOPERM\b/, 'forbids this user a command, a key or a channel that is needed'],
];

/**
 * The trouble that an error reply to a verb that needs `needs` means; undefined for an unknown
 * error.
 */
export function toTrouble(error: Error, needs: Needs): Trouble | undefined {
  const message = messageOf(error);
  for (const [pattern, words, known = needs] of REPLIES) {
    if (pattern.test(message)) return { words, needs: known };
  }
  return undefined;
}

/**
 * The message of an error. Errors of several nodes, or of a name with several addresses, say more
 * than the error that contains them.
 */
export function messageOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((each: Error) => each.message).join(', ');
  const inner = 'lastNodeError' in error ? error.lastNodeError : undefined;
  return inner instanceof Error ? `${error.message} ${inner.message}` : error.message;
}

/**
 * A copy of the error without the properties that the client adds: the command with all its
 * arguments, i.e. payloads and passwords. Loggers would print them.
 */
export function toCause(error: Error): Error {
  const cause = new Error(messageOf(error));
  if (error.stack !== undefined) cause.stack = error.stack;
  return cause;
}

/** Names the Redis, without the login. */
export function nameOf({ mode, nodes, group }: RedisEndpoint): string {
  const list = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ');
  if (mode === 'sentinel') return `Redis "${group}" of the Sentinels ${list}`;
  return `Redis${mode === 'cluster' ? ' Cluster' : ''} ${list}`;
}
