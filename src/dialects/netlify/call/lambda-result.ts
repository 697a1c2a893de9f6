import { Readable } from 'node:stream';
import { Fault } from '../../../contract/fault.ts';
import { TextResponse } from '../../../http/text-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';

/**
 * Converts the result of a Lambda-compatible handler to a response. As strict as the platform:
 * throws `function_bad_answer` for no result, a status that is no number or not final, a body that
 * is neither string nor stream, and headers that cannot be sent.
 */
export function toLambdaResponse(result: unknown): WebResponse {
  const { body, isBase64Encoded, ...head } = check(result);
  if (isStream(body)) return toStreamResponse(head, body);
  const { status, headers } = toHead(head);
  const bytes = isBase64Encoded ? Buffer.from(body ?? '', 'base64') : undefined;
  const length = bytes ? bytes.length : Buffer.byteLength(body ?? '');
  // The function's own length is often that of the base64 text. Without a body it is kept, because
  // a response to HEAD states the length of the GET response.
  if (length > 0) headers.set('content-length', String(length));
  return toResponse(WITHOUT_BODY.has(status) ? null : (bytes ?? body ?? null), status, headers);
}

/** Creates a response with a stream as body. `head`: the result without its body. */
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
  if (result === undefined)
    throw badResult('resolved with undefined, which is no response: check what the function returns');
  if (typeof result !== 'object' || result === null) {
    throw badResult(`gave no response but ${describe(result)}: return a promise of one, or use the callback`);
  }
  const { statusCode, body } = result as Partial<LambdaResult>; // both are checked below
  if (typeof statusCode !== 'number' || !Number.isInteger(statusCode)) {
    throw badResult(`must give a numerical statusCode (200 to 599), gave ${describe(statusCode)}`);
  }
  if (!isBody(body)) throw badResult(`must give a string or a stream as body, gave ${describe(body)}`);
  return result as LambdaResult;
}

function isBody(body: unknown): boolean {
  return body === undefined || body === null || typeof body === 'string' || isStream(body);
}

/** Not `instanceof ReadableStream`: polyfills are read the same way. */
function isStream(body: unknown): body is Readable | ReadableStream {
  return body instanceof Readable || typeof (body as Partial<ReadableStream> | null)?.getReader === 'function'; // checked here
}

interface Head {
  readonly status: number;
  readonly headers: Headers;
}

function toHead({ statusCode, headers, multiValueHeaders }: LambdaResult): Head {
  const values = toValues('headers', headers);
  for (const [name, list] of toValues('multiValueHeaders', multiValueHeaders)) {
    // Some functions set the same header in both maps, joined in the first one.
    const others = values.get(name)?.filter((value) => !list.includes(value) && value !== list.join(', ')) ?? [];
    values.set(name, [...others, ...list]);
  }
  const merged = new Headers();
  for (const [name, list] of values) {
    for (const value of list) {
      try {
        merged.append(name, toUtf8Bytes(value));
      } catch (cause) {
        throw badResult(`the header ${JSON.stringify(name)} cannot be sent`, cause);
      }
    }
  }
  return { status: statusCode, headers: merged };
}

/**
 * Encodes a header value as UTF-8 bytes. The platform reads results as JSON, and its server in Go
 * writes the UTF-8 bytes of a string. HTTP defines no character set for headers; browsers read a
 * UTF-8 `filename` correctly. Line breaks and NUL stay unchanged and are refused later.
 */
function toUtf8Bytes(value: string): string {
  return BEYOND_ASCII.test(value) ? Buffer.from(value).toString('latin1') : value;
}

const BEYOND_ASCII = /[^\x00-\x7f]/;

/** The values of a headers map, by lower-case name. */
function toValues(kind: string, map: unknown): Map<string, string[]> {
  const values = new Map<string, string[]>();
  if (map === undefined || map === null) return values;
  if (typeof map !== 'object') throw badResult(`must give an object as ${kind}, gave ${describe(map)}`);
  for (const [name, value] of Object.entries(map)) {
    const list = (Array.isArray(value) ? value : [value]).filter((each) => each !== undefined && each !== null);
    for (const each of list) {
      if (typeof each === 'object' || typeof each === 'function' || typeof each === 'symbol')
        throw badResult(`the header ${JSON.stringify(name)} must be a string, number or boolean, is ${describe(each)}`);
    }
    const lowerCase = name.toLowerCase();
    values.set(lowerCase, [...(values.get(lowerCase) ?? []), ...list.map(String)]);
  }
  return values;
}

/** Statuses with which a Response cannot have a body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

function toResponse(body: string | Buffer<ArrayBuffer> | null, status: number, headers: Headers): WebResponse {
  try {
    const response = new TextResponse(body, { status, headers });
    // Only the function sets the type. Without one the client sniffs it, as on the platform.
    if (!headers.has('content-type')) response.headers.delete('content-type');
    return response;
  } catch (cause) {
    throw badResult(`statusCode must be 200 to 599, is ${status}`, cause);
  }
}

function badResult(message: string, cause?: unknown): Fault {
  return new Fault('function_bad_answer', { message, cause });
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `the string ${JSON.stringify(value.slice(0, 40))}`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
