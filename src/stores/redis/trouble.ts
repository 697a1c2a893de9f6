import type { RedisEndpoint } from '../../config/redis-url.ts';
import type { Needs } from './script.ts';

/** What is wrong with Redis, for a person. */
export interface Trouble {
  readonly words: string;
  /** The least that does not work just now: whatever needs less may still. */
  readonly needs: Needs;
}

/** By the code of an error reply, which a script or a Cluster that was asked several times has somewhere inside; and what the client says of a Cluster. */
const REPLIES: readonly (readonly [RegExp, string, Needs?])[] = [
  [/\bREADONLY\b/, 'is a replica that takes no writes', 'writing'],
  [/\bOOM\b/, 'is out of memory (maxmemory)', 'memory'],
  [/\bMISCONF\b/, 'cannot write to its disk, and takes no writes', 'writing'],
  [/\bNOREPLICAS\b/, 'has not enough replicas, and takes no writes', 'writing'],
  [/\bLOADING\b/, 'is reading its data from disk', 'reading'],
  [/\bMASTERDOWN\b/, 'is a replica without its master', 'reading'],
  [/\bCLUSTERDOWN\b/, 'is a Cluster of which a part is down', 'reading'],
  [/\bBUSY\b/, 'is held up by a script', 'reading'],
  [/\b(?:NOAUTH|WRONGPASS)\b/, 'refuses the login', 'reading'],
  [/Failed to refresh slots cache/, 'has no node that answers', 'reading'],
  [/Too many Cluster redirections/, 'does not get through to the node that has the keys'],
  [/\bNOPERM\b/, 'forbids this user a command, a key or a channel that is needed'],
];

/** What an error reply to a verb that needs `needs` means; undefined for an error that is none of the known ones. */
export function toTrouble(error: Error, needs: Needs): Trouble | undefined {
  const message = messageOf(error);
  for (const [pattern, words, known = needs] of REPLIES) {
    if (pattern.test(message)) return { words, needs: known };
  }
  return undefined;
}

/** Those of several nodes, and of a name with several addresses, say more than the error that holds them. */
export function messageOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((each: Error) => each.message).join(', ');
  const inner = 'lastNodeError' in error ? error.lastNodeError : undefined;
  return inner instanceof Error ? `${error.message} ${inner.message}` : error.message;
}

/**
 * The error without what the client hangs on it: the command with all its arguments, which are payloads, and the password in one that logs
 * in. Loggers print those.
 */
export function toCause(error: Error): Error {
  const cause = new Error(messageOf(error));
  if (error.stack !== undefined) cause.stack = error.stack;
  return cause;
}

/** Which Redis, without the login. */
export function nameOf({ mode, nodes, group }: RedisEndpoint): string {
  const list = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ');
  if (mode === 'sentinel') return `Redis "${group}" of the Sentinels ${list}`;
  return `Redis${mode === 'cluster' ? ' Cluster' : ''} ${list}`;
}
