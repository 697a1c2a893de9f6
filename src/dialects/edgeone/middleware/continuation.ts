import { Fault } from '../../../contract/fault.ts';
import { TextResponse } from '../../../http/text-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';

/** How a request goes on after a middleware. */
export interface Continuation {
  /** The URL or path that it is for from now on; undefined: as before. */
  readonly rewrite: string | undefined;
  /** Headers that its request gets; those that are undefined are removed from it. */
  readonly requestHeaders: readonly (readonly [name: string, value: string | undefined])[];
}

/**
 * The headers by which the platform marks a Response with which a request goes on. They are the whole of what `next` and `rewrite` say, so that a copy of such a
 * Response says the same. The last two are those of Next.js, which the platform reads too.
 */
const NEXT = 'x-middleware-next';
const REWRITE = 'x-middleware-rewrite';
const REQUEST_HEADERS = 'x-middleware-request-headers';
const OVERRIDES = 'x-middleware-override-headers';
const OVERRIDE_PREFIX = 'x-middleware-request-';

const MARK = /^x-middleware-(?:next|rewrite|override-headers|set-cookie|request-.*)$/i;

/** Whether it is the name of a mark. */
export function isMark(name: string): boolean {
  return MARK.test(name);
}

/** Marks the headers of a Response with which the request goes on, and with these headers in place of its own. */
export function markNext(headers: Headers, requestHeaders: Headers): void {
  headers.set(NEXT, '1');
  const patch = Object.fromEntries([...requestHeaders].filter(([name]) => !isMark(name)));
  if (Object.keys(patch).length > 0) headers.set(REQUEST_HEADERS, encodeURIComponent(JSON.stringify(patch)));
}

/** Marks the headers of a Response with which the request goes on as one for another path. */
export function markRewrite(headers: Headers, url: string): void {
  // A header has no other characters, and the path would get them encoded like this.
  headers.set(REWRITE, url.replaceAll(/[^!-~]+/g, encodeURIComponent));
}

/** The passage that a Response of a middleware says, itself or by the body that it has; undefined for an answer. Throws `function_bad_answer` for marks that cannot be read. */
export function readContinuation(response: WebResponse): Continuation | undefined {
  return readMarks(response.headers) ?? readMarksOfBody(response);
}

/**
 * A body for the Response of `next` and `rewrite`, by which a Response that a middleware makes of it is known, even without the marks. On the platform the body is
 * null, so that `new Response(r.body, { headers })` without them is an empty page there.
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

/** By body: the headers of its Response. */
const markedBodies = new WeakMap<object, Headers>();

function readMarksOfBody(response: WebResponse): Continuation | undefined {
  // A look at the body of text would make a stream of it.
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
      message: `${REQUEST_HEADERS} of the middleware is no encoded JSON`,
      cause,
    });
  }
}
