import { AsyncLocalStorage } from 'node:async_hooks';
import type { Purging } from '../../../contract/purging.ts';
import type { Context } from './context.ts';
import type { Invocation } from './invocation.ts';

/** The state of a call in flight, for code that does not receive the context as an argument. */
export interface RequestState {
  /** Undefined before the context is created, and in calls of Lambda-compatible functions. */
  context: Context | undefined;
  readonly invocation: Invocation;
  /** Purges cached responses of the site of the call. */
  readonly purging?: Purging | undefined;
}

/** The global key under which `getContext()` of `@netlify/functions` finds or creates the store. */
const KEY = Symbol.for('@netlify/functions/request-context-store');

/**
 * The one store of the process, created here or by `@netlify/functions`. Its states have a
 * `context`.
 */
export function requestStore(): AsyncLocalStorage<RequestState> {
  const scope = globalThis as { [KEY]?: unknown };
  if (!(scope[KEY] instanceof AsyncLocalStorage)) scope[KEY] = new AsyncLocalStorage();
  return scope[KEY] as AsyncLocalStorage<RequestState>; // the package stores only such states
}
