/** A call of a verb, sent to the thread. */
export interface Call {
  readonly number: number;
  readonly verb: string;
  readonly args: readonly unknown[];
  /**
   * By the monotonic clock. A verb that was not started by then is not started at all, because its
   * caller will not wait for the answer.
   */
  readonly startUntilMs: number;
}

export type ToThread =
  | { readonly kind: 'call'; readonly call: Call }
  /** Start to report changes of other processes. */
  | { readonly kind: 'watch' }
  /** Close the database and end. */
  | { readonly kind: 'close' };

export type Answer =
  | { readonly number: number; readonly kind: 'value'; readonly value: unknown }
  /** The store cannot run the verb at the moment. */
  | {
      readonly number: number;
      readonly kind: 'unavailable';
      readonly message: string;
      readonly cause: unknown;
      /** The disk is full. Errors lose their classes on the way between threads. */
      readonly isFull: boolean;
    }
  /** The call was invalid. */
  | { readonly number: number; readonly kind: 'mistake'; readonly cause: unknown };

export type FromThread =
  /** The thread has started and has not opened the database yet. */
  | { readonly kind: 'running' }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  /** Another process has changed the database. */
  | { readonly kind: 'changed'; readonly news: unknown }
  /** For the log. */
  | { readonly kind: 'warning'; readonly message: string };

/** What StateThread passes to a new thread. */
export interface ThreadSetup {
  /** Path of the database. */
  readonly file: string;
  readonly fsync: boolean;
  /** Set for the database of the cache: most bytes of its entries. Default: the database of the state. */
  readonly cacheBytes?: number | undefined;
}

/**
 * A copy to transfer to another thread. The sender loses it. Structured cloning would copy the
 * whole buffer that contains the bytes.
 */
export function toTransfer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
