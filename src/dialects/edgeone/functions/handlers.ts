import { didYouMean } from '../../../contract/problem.ts';
import type { Route } from '../../../contract/route.ts';

/** A function of the user. Its result is checked after the call. */
export type Handler = (context: unknown) => unknown;

const METHODS: ReadonlyMap<string, string> = new Map([
  ['onRequestGet', 'GET'],
  ['onRequestPost', 'POST'],
  ['onRequestPut', 'PUT'],
  ['onRequestDelete', 'DELETE'],
  ['onRequestPatch', 'PATCH'],
  ['onRequestHead', 'HEAD'],
  ['onRequestOptions', 'OPTIONS'],
]);

/** The handlers of a file. One for a method takes precedence over `any` (`onRequest`). */
export interface Handlers {
  readonly byMethod: ReadonlyMap<string, Handler>;
  readonly any: Handler | undefined;
}

/** Whether a name is `onRequest` or one of its variants for a method. */
export function isHandlerName(name: string): boolean {
  return name === 'onRequest' || METHODS.has(name);
}

/**
 * The handler whose name is most similar to an export's name, as the end of a message; '' if none
 * is. Only names that begin with `on` count: `toRequest` is similar, but not a misspelling.
 */
export function nearestHandler(name: string): string {
  return isHandlerName(name) || !/^on/i.test(name) ? '' : didYouMean(name, ['onRequest', ...METHODS.keys()]);
}

/** Whether a text contains the name of a handler. Used for files that cannot be parsed. */
export function mentionsHandler(text: string): boolean {
  return /\bonRequest(?:Get|Post|Put|Delete|Patch|Head|Options)?\b/.test(text);
}

/**
 * The handlers among a module's exports; undefined if there are none. A default export counts by
 * the function's name.
 */
export function toHandlers(exports: Readonly<Record<string, unknown>>): Handlers | undefined {
  const named = [...METHODS].flatMap(([name, method]) => {
    const handler = pick(exports, name);
    return handler ? [[method, handler] as const] : [];
  });
  const byMethod = new Map(named);
  const any = pick(exports, 'onRequest');
  return any || byMethod.size > 0 ? { byMethod, any } : undefined;
}

/** The methods that handlers answer. */
export function methodsOf({ any, byMethod }: Handlers): Route['methods'] {
  return any ? 'any' : [...byMethod.keys()];
}

function pick(exports: Readonly<Record<string, unknown>>, name: string): Handler | undefined {
  const { [name]: named, default: unnamed } = exports;
  if (isHandler(named)) return named;
  return isHandler(unnamed) && unnamed.name === name ? unnamed : undefined;
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}
