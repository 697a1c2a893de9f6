import { Fault } from '../../../contract/fault.ts';
import type { Log } from '../../../contract/log.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import type { Exports } from '../../loader/compile.ts';
import { isStreaming } from './awslambda.ts';
import type { Invocation, Run } from './invocation.ts';
import { LambdaCall } from './lambda-call.ts';
import { type Callback, toLambdaContext } from './lambda-context.ts';
import { toLambdaEvent } from './lambda-event.ts';
import { toLambdaResponse } from './lambda-result.ts';
import { streamLambda } from './lambda-stream.ts';
import type { Platform } from './platform.ts';

export interface LambdaRunParts {
  /** The function's name, as in its URL. */
  readonly name: string;
  /** The file, relative to the site; written to the log. */
  readonly file: string;
  readonly platform: Pick<Platform, 'log' | 'server' | 'site' | 'mockCountry' | 'blobs' | 'purging'>;
}

/**
 * Creates the caller for the Lambda-compatible `handler` of a module; undefined if the module
 * exports none.
 */
export function toLambdaRun(exports: Exports, parts: LambdaRunParts): Run | undefined {
  const handler = toHandler(exports);
  return handler && toRun(handler, parts);
}

type Handler = (event: unknown, context: unknown, callback: unknown) => unknown;

/**
 * All exports of a CommonJS module are its default export too, and Node does not detect each of
 * them as a named export.
 */
function toHandler({ handler, default: all }: Exports): Handler | undefined {
  if (isHandler(handler)) return handler;
  const inner = typeof all === 'object' && all !== null && 'handler' in all ? all.handler : undefined;
  return isHandler(inner) ? inner : undefined;
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}

function toRun(handler: Handler, { name, file, platform }: LambdaRunParts): Run {
  const { server, purging } = platform;
  const identity = { functionName: name, region: server.region ?? '', purgeToken: purging?.token };
  const streams = isStreaming(handler);
  const callsBack = mayCallBack(handler);

  return async (invocation) => {
    const event = toLambdaEvent(invocation, await invocation.readBody(), platform);
    const reportLate = (error: unknown): void => logLate(platform.log, file, invocation, error);
    const toContext = (done: Callback) => toLambdaContext(identity, invocation, done);
    try {
      if (streams) return await streamLambda((stream, done) => handler(event, stream, toContext(done)), reportLate);
      const call = new LambdaCall(reportLate);
      callNow(call, () => handler(event, toContext(call.done), call.done), callsBack);
      const result = await call.result;
      const ttlS = builtForS(result);
      if (ttlS !== undefined) invocation.noteBuilt?.(ttlS);
      return toResponse(result, event.path);
    } catch (cause) {
      throw cause instanceof Fault ? cause : new Fault('function_error', { cause });
    }
  };
}

function callNow(call: LambdaCall, handle: () => unknown, callsBack: boolean): void {
  try {
    call.takeReturned(handle(), callsBack);
  } catch (error) {
    call.takeThrown(error);
  }
}

const BUILDERS = '/.netlify/builders/';

/** Below this URL only results of `builder()` are allowed. */
function toResponse(result: unknown, path: string): WebResponse {
  return path.startsWith(BUILDERS) && !isAllowedBuilder(result) ? notBuilt() : toLambdaResponse(result);
}

/** `builder()` marks its results, except its 405 for methods other than GET. */
function isAllowedBuilder(result: unknown): boolean {
  return builtForS(result) !== undefined || partsOf(result).statusCode === 405;
}

/** For how many seconds a result of `builder()` is stored; Infinity without a `ttl`; undefined for any other result. */
function builtForS(result: unknown): number | undefined {
  const { metadata } = partsOf(result);
  if (metadata?.builder_function !== true) return undefined;
  const { ttl } = metadata;
  return typeof ttl === 'number' && ttl > 0 ? ttl : Number.POSITIVE_INFINITY;
}

/** The result may be of any type; it is only inspected. */
function partsOf(result: unknown): BuilderResult {
  return (result ?? {}) as BuilderResult;
}

interface BuilderResult {
  readonly metadata?: { readonly builder_function?: unknown; readonly ttl?: unknown };
  readonly statusCode?: unknown;
}

function notBuilt(): WebResponse {
  const message =
    'not an on-demand builder: wrap the handler in builder() of @netlify/functions, or call it below /.netlify/functions/';
  return toLambdaResponse({
    statusCode: 400,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message }),
  });
}

function logLate(log: Log, target: string, { requestId }: Invocation, error: unknown): void {
  const details = { target, request_id: requestId };
  if (error === undefined) log.warn('a function responded a second time; the first response is used', details);
  else log.error('a function failed after it had responded', { ...details, error });
}

/**
 * Whether a handler that returns no promise may still call back later. False only for a plain
 * function with at most the event as parameter: it has no callback to call, so waiting is useless.
 * True for a function whose text is not visible (bound, wrapped).
 */
export function mayCallBack(handler: (...parts: never[]) => unknown): boolean {
  if (handler.length > 1) return true;
  const text = Function.prototype.toString.call(handler);
  return !ONLY_EVENT.test(text) || /\barguments\b|\[native code\]/.test(text);
}

/**
 * `() =>`, `event =>`, `(event) {`, `({ path, body }) =>`; not `(...all)`, nor default values,
 * which may contain further parameters.
 */
const ONLY_EVENT = /^(?:function\s*)?[\w$]*\s*\(\s*(?:[\w$]+|\{[^(){}=.]*\})?\s*,?\s*\)\s*(?:=>|\{)|^[\w$]+\s*=>/;
