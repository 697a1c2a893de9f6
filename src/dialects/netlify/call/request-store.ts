import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context } from './context.ts';
import type { Invocation } from './invocation.ts';

/** What is known, for as long as something of a call is under way, to code that nobody handed the context. */
export interface RequestState {
  /** Undefined: it has none yet, or is a call of a Lambda-compatible function. */
  context: Context | undefined;
  readonly invocation: Invocation;
}

/** Under which `getContext()` of `@netlify/functions` looks for the store, or makes it. */
const KEY = Symbol.for('@netlify/functions/request-context-store');

/** The store of the process, of which there is one, whoever made it first: its states have a `context`. */
export function requestStore(): AsyncLocalStorage<RequestState> {
  const place = globalThis as { [KEY]?: unknown };
  if (!(place[KEY] instanceof AsyncLocalStorage)) place[KEY] = new AsyncLocalStorage();
  return place[KEY] as AsyncLocalStorage<RequestState>; // the package puts nothing into it
}
