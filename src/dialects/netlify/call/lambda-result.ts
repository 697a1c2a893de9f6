import { Readable } from 'node:stream';
import { Fault } from '../../../contract/fault.ts';
import { TextResponse } from '../../../http/text-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';

/**
 * The answer that a Lambda-compatible handler resolved with, or called back. Strict as the platform is: throws `function_bad_answer` for no
 * result, a status that is no number or not final, a body that is neither text nor stream, and fields that cannot be sent.
 */
export function toLambdaResponse(result: unknown): WebResponse {
  const { body, isBase64Encoded, ...head } = check(result);
  if (isStream(body)) return toStreamResponse(head, body);
  const { status, headers } = toHead(head);
  const bytes = isBase64Encoded ? Buffer.from(body ?? '', 'base64') : undefined;
  const length = bytes ? bytes.length : Buffer.byteLength(body ?? '');
  // The function's own is often that of the base64. Without a body it says what GET would give, in an answer to HEAD.
  if (length > 0) headers.set('content-length', String(length));
  return toResponse(WITHOUT_BODY.has(status) ? null : (bytes ?? body ?? null), status, headers);
}

/** The same with a stream for a body. `head` is what stands beside the body in a result. */
export function toStreamResponse(head: unknown, body: Readable | ReadableStream): WebResponse {
  const { status, headers } = toHead(check(head));
  return { status, headers, body, bodyUsed: false };
}

interface LambdaResult {
  readonly statusCode: number;
  readonly headers?: unknown;
  readonly multiValueHeaders?: unknown;
  readonly body?: string | Readable | ReadableStream | null;
  readonly isBase64Encoded?: unknown;
}

function check(result: unknown): LambdaResult {
  if (result === undefined) throw bad('resolved with undefined, which is no response: check what the function returns');
  if (typeof result !== 'object' || result === null) {
    throw bad(`gave no response but ${describe(result)}: return a promise of one, or use the callback`);
  }
  const { statusCode, body } = result as Partial<LambdaResult>; // each is looked at
  if (typeof statusCode !== 'number' || !Number.isInteger(statusCode)) {
    throw bad(`must give a numerical statusCode (200 to 599), gave ${describe(statusCode)}`);
  }
  if (!isBody(body)) throw bad(`must give a string or a stream as body, gave ${describe(body)}`);
  return result as LambdaResult;
}

function isBody(body: unknown): boolean {
  return body === undefined || body === null || typeof body === 'string' || isStream(body);
}

/** Not `instanceof` for the web's: a polyfill's is read the same way. */
function isStream(body: unknown): body is Readable | ReadableStream {
  return body instanceof Readable || typeof (body as Partial<ReadableStream> | null)?.getReader === 'function'; // is looked at
}

interface Head {
  readonly status: number;
  readonly headers: Headers;
}

function toHead({ statusCode, headers, multiValueHeaders }: LambdaResult): Head {
  const values = toValues('headers', headers);
  for (const [name, list] of toValues('multiValueHeaders', multiValueHeaders)) {
    // Some name the same field in both maps, in the first one joined.
    const others = values.get(name)?.filter((value) => !list.includes(value) && value !== list.join(', ')) ?? [];
    values.set(name, [...others, ...list]);
  }
  const merged = new Headers();
  for (const [name, list] of values) {
    for (const value of list) {
      try {
        merged.append(name, toByteString(value));
      } catch (cause) {
        throw bad(`the header ${JSON.stringify(name)} cannot be sent`, cause);
      }
    }
  }
  return { status: statusCode, headers: merged };
}

/**
 * The platform reads the result as JSON, and a server in Go writes the text of a header as its UTF-8. HTTP has no character set for headers; browsers read
 * a `filename` that is UTF-8 as such. Line breaks and NUL stay what they are, and are refused.
 */
function toByteString(value: string): string {
  return BEYOND_ASCII.test(value) ? Buffer.from(value).toString('latin1') : value;
}

const BEYOND_ASCII = /[^\x00-\x7f]/;

/** By lower-case name. */
function toValues(kind: string, map: unknown): Map<string, string[]> {
  const values = new Map<string, string[]>();
  if (map === undefined || map === null) return values;
  if (typeof map !== 'object') throw bad(`must give an object as ${kind}, gave ${describe(map)}`);
  for (const [name, value] of Object.entries(map)) {
    const list = (Array.isArray(value) ? value : [value]).filter((each) => each !== undefined && each !== null);
    for (const each of list) {
      if (typeof each === 'object' || typeof each === 'function' || typeof each === 'symbol')
        throw bad(`the header ${JSON.stringify(name)} must be a string, number or boolean, is ${describe(each)}`);
    }
    const lowerCase = name.toLowerCase();
    values.set(lowerCase, [...(values.get(lowerCase) ?? []), ...list.map(String)]);
  }
  return values;
}

/** With which a Response cannot have one. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

function toResponse(body: string | Buffer<ArrayBuffer> | null, status: number, headers: Headers): WebResponse {
  try {
    const response = new TextResponse(body, { status, headers });
    // As it is named by the function alone; a client that finds no type looks for itself, as it does on the platform.
    if (!headers.has('content-type')) response.headers.delete('content-type');
    return response;
  } catch (cause) {
    throw bad(`statusCode must be 200 to 599, is ${status}`, cause);
  }
}

function bad(message: string, cause?: unknown): Fault {
  return new Fault('function_bad_answer', { message, cause });
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `the string ${JSON.stringify(value.slice(0, 40))}`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
