import { ReadableStream } from 'node:stream/web';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { hasBody } from '../../../http/headers.ts';
import { toWebBody } from '../../../http/web-request-body.ts';

/**
 * Reads the whole body of a request before a handler runs, because `request.body` of the platform
 * is a value and not a promise. Rejects with a Fault if the client leaves (`client_left`) or the
 * body is too large (`body_too_large`). Empty for GET and HEAD, whose Request has no body.
 */
export async function prepareBody(exchange: Exchange): Promise<PreparedBody> {
  const { method } = exchange.request;
  if (method === 'GET' || method === 'HEAD' || !hasBody(exchange.request)) return EMPTY;
  const chunks: Uint8Array[] = [];
  for await (const chunk of toWebBody(exchange)) chunks.push(chunk);
  return new PreparedBody(Buffer.concat(chunks));
}

/** The bytes of a body, and their value as `request.body` of the platform. */
export class PreparedBody {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The body that the methods of Request (`json()`, `clone()`, …) read. */
  toStream(): ReadableStream<Uint8Array> {
    return toStream(this.#bytes);
  }

  /**
   * The value of `request.body`: undefined for an empty body, a parsed value for JSON and forms, a
   * string for plain text, otherwise a Buffer that can also be read as a stream. Throws `bad_body`
   * for invalid JSON.
   */
  toValue(headers: Headers): unknown {
    if (this.#bytes.length === 0) return undefined;
    // Compressed bytes are not decoded.
    if (headers.has('content-encoding')) return toReadable(this.#bytes);
    const [type = ''] = (headers.get('content-type') ?? '').toLowerCase().split(';', 1);
    if (JSON_TYPE.test(type.trim())) return parseJson(this.#toText());
    if (type.trim() === 'application/x-www-form-urlencoded') return parseForm(this.#toText());
    return type.trim() === 'text/plain' ? this.#toText() : toReadable(this.#bytes);
  }

  #toText(): string {
    return new TextDecoder().decode(this.#bytes);
  }
}

const EMPTY = new PreparedBody(Buffer.alloc(0));

const JSON_TYPE = /^application\/(?:json|[^/]+\+json)$/;

function parseJson(text: string): unknown {
  try {
    return withText(JSON.parse(text), text);
  } catch (cause) {
    const reason = `the body is not valid JSON: ${cause instanceof Error ? cause.message : cause}`;
    throw new Fault('bad_body', { message: reason, clientMessage: reason, cause });
  }
}

/** An object by name. A repeated name has a list of its values. */
function parseForm(text: string): unknown {
  const values = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const before = values.get(name);
    values.set(name, before === undefined ? value : [before, value].flat());
  }
  return withText(Object.fromEntries(values), text);
}

/**
 * Makes a parsed value usable as a body: `fetch(url, { body: request.body })` and `new Request(url,
 * request)` call `toString` of an object that is neither bytes nor a stream. It returns the
 * received text instead of "[object Object]".
 */
function withText(value: unknown, text: string): unknown {
  if (typeof value !== 'object' || value === null || Object.hasOwn(value, 'toString')) return value;
  return Object.defineProperty(value, 'toString', { value: () => text, configurable: true, writable: true });
}

/**
 * Adds the methods of a ReadableStream to a Buffer. Each call reads from the first byte. `values`
 * is not added, because a Buffer has a method of that name.
 */
function toReadable(bytes: Buffer): Buffer {
  const methods = {
    getReader: (...args: Parameters<ReadableStream['getReader']>) => toStream(bytes).getReader(...args),
    pipeTo: (...args: Parameters<ReadableStream['pipeTo']>) => toStream(bytes).pipeTo(...args),
    pipeThrough: (...args: Parameters<ReadableStream['pipeThrough']>) => toStream(bytes).pipeThrough(...args),
    tee: () => toStream(bytes).tee(),
    cancel: async () => undefined,
    locked: false,
    [Symbol.asyncIterator]: () => toStream(bytes)[Symbol.asyncIterator](),
  };
  for (const key of Reflect.ownKeys(methods)) {
    Object.defineProperty(bytes, key, { value: Reflect.get(methods, key), configurable: true, writable: true });
  }
  return bytes;
}

function toStream(bytes: Buffer): ReadableStream<Uint8Array> {
  let isRead = bytes.length === 0;
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      if (!isRead) {
        isRead = true;
        // A copy: a byte stream detaches the memory of a chunk.
        controller.enqueue(new Uint8Array(bytes));
        return;
      }
      controller.close();
      // Completes a read into a buffer of the function (Streams standard,
      // ReadableByteStreamController.close).
      controller.byobRequest?.respond(0);
    },
  });
}
