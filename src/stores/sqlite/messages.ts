import type { VerbName } from './verbs.ts';

/** A verb on its way to the thread. */
export interface Ask {
  readonly number: number;
  readonly verb: VerbName;
  readonly args: readonly unknown[];
  /** By the monotonic clock: a verb that was not begun until then is not begun any more, because nobody will be waiting for it. */
  readonly giveUpAtMs: number;
}

export type ToThread =
  | { readonly kind: 'ask'; readonly ask: Ask }
  /** From now on, tell when another process changed something. */
  | { readonly kind: 'watch' }
  /** Close the database and end. */
  | { readonly kind: 'close' };

export type Answer =
  | { readonly number: number; readonly kind: 'value'; readonly value: unknown }
  /** The store cannot do it just now. */
  | { readonly number: number; readonly kind: 'unavailable'; readonly message: string; readonly cause: unknown }
  /** Whoever asked made a mistake. */
  | { readonly number: number; readonly kind: 'mistake'; readonly cause: unknown };

export type FromThread =
  /** The thread has started, and touched nothing yet. */
  | { readonly kind: 'running' }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  /** Another process changed something. */
  | { readonly kind: 'changed' }
  /** For the log. */
  | { readonly kind: 'warning'; readonly message: string };

/** What the thread is started with. */
export interface ThreadSetup {
  /** Path of the database. */
  readonly file: string;
  readonly fsync: boolean;
}

/** A copy of its own for another thread, which the sender then has no more. Cloning would take along the whole buffer that the bytes lie in. */
export function toTransfer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
