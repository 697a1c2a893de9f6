import { didYouMean } from '../../../contract/problem.ts';

/** A user's function; what it returns is looked at when it has. */
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

/** The handlers of a file: one for a method comes before the one for any. */
export interface Handlers {
  readonly byMethod: ReadonlyMap<string, Handler>;
  readonly any: Handler | undefined;
}

/** `onRequest` and its kin. */
export function isHandlerName(name: string): boolean {
  return name === 'onRequest' || METHODS.has(name);
}

/** The handler that an export of a near name was most likely meant to be, as the end of a message; '' for any other name. `toRequest` is near, but no slip. */
export function nearestHandler(name: string): string {
  return isHandlerName(name) || !/^on/i.test(name) ? '' : didYouMean(name, ['onRequest', ...METHODS.keys()]);
}

/** Whether a text speaks of a handler at all: the one thing to be known of a file that cannot be parsed. */
export function mentionsHandler(text: string): boolean {
  return /\bonRequest(?:Get|Post|Put|Delete|Patch|Head|Options)?\b/.test(text);
}

/** The handlers among the exports of a module; undefined if there are none. The default export counts by its own name. */
export function toHandlers(exports: Readonly<Record<string, unknown>>): Handlers | undefined {
  const named = [...METHODS].flatMap(([name, method]) => {
    const handler = pick(exports, name);
    return handler ? [[method, handler] as const] : [];
  });
  const byMethod = new Map(named);
  const any = pick(exports, 'onRequest');
  return any || byMethod.size > 0 ? { byMethod, any } : undefined;
}

function pick(exports: Readonly<Record<string, unknown>>, name: string): Handler | undefined {
  const { [name]: named, default: unnamed } = exports;
  if (isHandler(named)) return named;
  return isHandler(unnamed) && unnamed.name === name ? unnamed : undefined;
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}
