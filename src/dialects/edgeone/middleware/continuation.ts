import { Fault } from '../../../contract/fault.ts';
import { TextResponse } from '../../../http/text-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';

/** What a middleware changes on a request that it does not answer itself. */
export interface Continuation {
  /** New URL or path of the request. Undefined: unchanged. */
  readonly rewrite: string | undefined;
  /** Headers to set on the request. A header with the value undefined is removed. */
  readonly requestHeaders: readonly (readonly [name: string, value: string | undefined])[];
}

/**
 * The platform's mark headers on the Response of `next` and `rewrite`. They hold the whole result,
 * so a copy of such a Response with its headers has the same meaning. The last two are those of
 * Next.js, which the platform also reads.
 */
const NEXT = 'x-middleware-next';
const REWRITE = 'x-middleware-rewrite';
const REQUEST_HEADERS = 'x-middleware-request-headers';
const OVERRIDES = 'x-middleware-override-headers';
const OVERRIDE_PREFIX = 'x-middleware-request-';

const MARK = /^x-middleware-(?:next|rewrite|override-headers|set-cookie|request-.*)$/i;

/** Whether a header name is that of a mark. */
export function isMark(name: string): boolean {
  return MARK.test(name);
}

/** Marks the Response of `next`: the request continues, with `requestHeaders` set on it. */
export function markNext(headers: Headers, requestHeaders: Iterable<readonly [string, string]>): void {
  headers.set(NEXT, '1');
  const patch = Object.fromEntries([...requestHeaders].filter(([name]) => !isMark(name)));
  if (Object.keys(patch).length > 0) headers.set(REQUEST_HEADERS, encodeURIComponent(JSON.stringify(patch)));
}

/** Marks the Response of `rewrite`: the request continues with another path. */
export function markRewrite(headers: Headers, url: string): void {
  // Headers contain ASCII only. The path is encoded in the same way.
  headers.set(REWRITE, url.replaceAll(/[^!-~]+/g, encodeURIComponent));
}

/**
 * Reads the marks of a middleware's Response, or those of the Response that its body was taken
 * from. Undefined if there are none: the Response is the answer. Throws `function_bad_answer` for
 * marks that cannot be parsed.
 */
export function readContinuation(response: WebResponse): Continuation | undefined {
  return readMarks(response.headers) ?? readMarksOfBody(response);
}

/**
 * An empty body for the Response of `next` and `rewrite`. A Response that the middleware creates
 * from this body is recognised without the marks, e.g. `new Response(r.body, { headers })`. On the
 * platform the body is null, and such a Response is an empty page.
 */
export function toMarkedBody(headers: Headers): ReadableStream {
  const body = new ReadableStream({
    start(controller) {
      controller.close();
    },
  });
  markedBodies.set(body, headers);
  return body;
}

/** Headers of the Response of each marked body. */
const markedBodies = new WeakMap<object, Headers>();

function readMarksOfBody(response: WebResponse): Continuation | undefined {
  // Reading `body` of a text response would create a stream.
  const body = TextResponse.holdsText(response) ? undefined : response.body;
  const headers = typeof body === 'object' && body !== null ? markedBodies.get(body) : undefined;
  return headers && readMarks(headers);
}

function readMarks(headers: WebResponse['headers']): Continuation | undefined {
  const marks = new Map<string, string>();
  for (const [name, value] of headers) if (isMark(name)) marks.set(name.toLowerCase(), value);
  const rewrite = marks.get(REWRITE) || undefined;
  if (marks.get(NEXT) !== '1' && rewrite === undefined) return undefined;
  return { rewrite, requestHeaders: readRequestHeaders(marks).filter(([name]) => !isMark(name)) };
}

function readRequestHeaders(marks: ReadonlyMap<string, string>): Continuation['requestHeaders'] {
  const overrides = marks.get(OVERRIDES);
  if (overrides === undefined) return readPatch(marks.get(REQUEST_HEADERS));
  const names = overrides.split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '').map((name) => [name, marks.get(OVERRIDE_PREFIX + name)]);
}

function readPatch(text: string | undefined): Continuation['requestHeaders'] {
  if (text === undefined) return [];
  const patch: unknown = parse(text);
  if (typeof patch !== 'object' || patch === null) return [];
  return Object.entries(patch).map(([name, value]) => [name, value === null ? undefined : String(value)]);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(decodeURIComponent(text));
  } catch (cause) {
    throw new Fault('function_bad_answer', {
      message: `${REQUEST_HEADERS} of the middleware must be URL-encoded JSON`,
      cause,
    });
  }
}
