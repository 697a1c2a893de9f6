import {
  type BlobEntry,
  BlobRefusal,
  type BlobStorage,
  type ListQuery,
  type PutOptions,
} from '../../../contract/blob-storage.ts';
import { messageOf } from '../../../contract/error-message.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Log } from '../../../contract/log.ts';
import { freeChunk, ownsChunks } from '../../../contract/owned-chunks.ts';
import { namesTag } from '../../../http/entity-tags.ts';
import { type BlobAddress, readAddress, toSignedUrl } from './blob-address.ts';

/** Both names of the header with the metadata: for the edge and for the API. */
const METADATA = ['x-amz-meta-user', 'netlify-blobs-metadata'] as const;

/** The limit of the client is 2 KB. */
const METADATA_BYTES = 8192;

const SIGNED_URL = 'application/json;type=signed-url';

export interface BlobAnswersParts {
  readonly storage: BlobStorage;
  readonly site: string;
  readonly token: string;
  /** Answers requests to the API with any site and token. */
  readonly captures: boolean;
  readonly log: Log;
  /** Called before a store is used. */
  readonly onStore: (store: string) => Promise<void>;
}

/**
 * Answers requests of the client `@netlify/blobs`. It repeats after 429, 5xx and errors of the
 * connection, for 25 seconds; and it takes every status but 412 for the success of a conditional
 * write. So all failures are 4xx, and 412 if the write is conditional.
 */
export class BlobAnswers {
  readonly #parts: BlobAnswersParts;

  constructor(parts: BlobAnswersParts) {
    this.#parts = parts;
  }

  /** Rejects only with the reason of the request's signal. */
  async answer(request: Request): Promise<Response> {
    request.signal.throwIfAborted();
    try {
      return await this.#answer(request);
    } catch (error) {
      request.signal.throwIfAborted();
      return this.#refuse(request, error);
    }
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const address = readAddress(url);
    this.#authorize(request, address);
    const { store, key } = address;
    if (store === undefined) return this.#listStores(request, url.searchParams);
    await this.#parts.onStore(store);
    if (key === undefined) return this.#answerStore(request, store, url.searchParams);
    if (wantsUrl(request, address)) {
      return Response.json({
        url: toSignedUrl(this.#parts.token, this.#parts.site, `${encodeURIComponent(store)}/${keyOf(address)}`),
      });
    }
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return this.#read(request, store, key);
      case 'PUT':
        return this.#write(request, store, key);
      case 'DELETE':
        return this.#delete(request, store, key);
      default:
        return refusal(405, `there is no ${request.method} of a blob`);
    }
  }

  #authorize({ headers }: Request, { form, token, site }: BlobAddress): void {
    const { captures } = this.#parts;
    if (form !== 'edge' && captures) return;
    const given = token ?? headers.get('authorization')?.replace(/^Bearer /i, '');
    // Without a message, as in the platform's own server.
    if (given !== this.#parts.token) throw new Refused(403, '');
    if (site !== this.#parts.site) throw new Refused(400, 'the URL leads to another site');
  }

  async #listStores({ method }: Request, query: URLSearchParams): Promise<Response> {
    if (method !== 'GET') return refusal(405, 'the URL has no store');
    const page = await this.#parts.storage.listStores(query.get('prefix') ?? '', query.get('cursor') || undefined);
    return Response.json({ stores: page.stores, ...(page.cursor !== undefined && { next_cursor: page.cursor }) });
  }

  async #answerStore({ method }: Request, store: string, query: URLSearchParams): Promise<Response> {
    const { storage } = this.#parts;
    if (method === 'DELETE') {
      const { deleted, hasMore } = await storage.deleteStore(store);
      return Response.json({ blobs_deleted: deleted, has_more: hasMore });
    }
    if (method !== 'GET') return refusal(400, 'the URL has no key');
    const cursor = query.get('cursor');
    const wanted: ListQuery = {
      prefix: query.get('prefix') ?? '',
      directories: query.get('directories') === 'true',
      ...(cursor && { cursor }),
    };
    const { blobs, directories, cursor: next } = await storage.list(store, wanted);
    return Response.json({
      blobs: blobs.map(({ key, etag, size, modifiedAtMs }) => {
        return { key, etag, size, last_modified: new Date(modifiedAtMs).toISOString() };
      }),
      directories,
      ...(next !== undefined && { next_cursor: next }),
    });
  }

  async #read({ method, headers }: Request, store: string, key: string): Promise<Response> {
    const { storage } = this.#parts;
    const known = headers.get('if-none-match');
    if (method === 'HEAD' || known !== null) {
      const entry = await storage.head(store, key);
      if (!entry) return refusal(404, 'there is no such blob');
      if (known !== null && namesTag(known, entry.etag, 'strong')) {
        return new Response(null, { status: 304, headers: toHeaders(entry) });
      }
      if (method === 'HEAD') return new Response(null, { headers: toHeaders(entry) });
    }
    const found = await storage.get(store, key);
    return found
      ? new Response(found.body, { headers: toHeaders(found.entry) })
      : refusal(404, 'there is no such blob');
  }

  async #write(request: Request, store: string, key: string): Promise<Response> {
    const { headers, body, signal } = request;
    const metadata = METADATA.map((name) => headers.get(name)).find((value) => value !== null) ?? '';
    if (metadata.length > METADATA_BYTES) throw new Refused(400, `metadata has at most ${METADATA_BYTES} bytes`);
    const condition = toCondition(headers);
    const options: PutOptions = {
      contentType: headers.get('content-type') ?? '',
      metadata,
      ...(condition !== undefined && { condition }),
    };
    const outcome = await this.#parts.storage.put(
      store,
      key,
      body ? untilAborted(body, signal) : new Uint8Array(),
      options,
    );
    return outcome.state === 'stored'
      ? new Response(null, { headers: { etag: outcome.etag } })
      : refusal(412, 'the condition of the write does not hold');
  }

  async #delete({ headers }: Request, store: string, key: string): Promise<Response> {
    const state = await this.#parts.storage.delete(store, key, headers.get('if-match') ?? undefined);
    if (state === 'changed') return refusal(412, 'the condition of the delete does not hold');
    return state === 'missing' ? refusal(404, 'there is no such blob') : new Response(null, { status: 204 });
  }

  #refuse(request: Request, error: unknown): Response {
    const { status, message } = toRefusal(error);
    const isConditional = request.method === 'PUT' && toCondition(request.headers) !== undefined;
    // The client shows no message for these, and a defect has none that helps.
    if (status === UNEXPECTED) {
      const { pathname } = new URL(request.url);
      this.#parts.log.error('a request of @netlify/blobs failed', { request: `${request.method} ${pathname}`, error });
    } else if (isConditional) this.#parts.log.warn(`a conditional write of a blob was refused: ${message}`);
    return refusal(isConditional ? 412 : status, message);
  }
}

/** A request that is refused whatever the storage has. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Failed Dependency: the client throws at once. */
const UNAVAILABLE = 424;
const UNEXPECTED = 422;

const STATUS_OF = { bad_name: 400, bad_cursor: 400, too_large: 413, full: 413 } as const;

function toRefusal(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof Refused) return { status: error.status, message: error.message };
  if (error instanceof BlobRefusal) return { status: STATUS_OF[error.reason], message: error.message };
  if (error instanceof Fault && error.code === 'store_unavailable') return { status: UNAVAILABLE, message: error.code };
  if (error instanceof BodyError) return { status: 400, message: `the body failed: ${error.message}` };
  return { status: UNEXPECTED, message: 'internal error' };
}

function refusal(status: number, message: string): Response {
  // Names of blobs may have any character, headers only some.
  const text = message.toWellFormed().replace(/[^ -~]/g, '?');
  return new Response(null, { status, headers: text === '' ? {} : { 'x-nf-error': text } });
}

function toHeaders({ etag, size, contentType, metadata, modifiedAtMs }: BlobEntry): Record<string, string> {
  return {
    etag,
    'content-length': String(size),
    'last-modified': new Date(modifiedAtMs).toUTCString(),
    ...(contentType !== '' && { 'content-type': contentType }),
    ...(metadata !== '' && Object.fromEntries(METADATA.map((name) => [name, metadata]))),
  };
}

function toCondition(headers: Headers): PutOptions['condition'] {
  const ifMatch = headers.get('if-match');
  if (ifMatch !== null) return { ifMatch };
  return headers.get('if-none-match') === '*' ? 'new' : undefined;
}

/** The API gives a URL for the content of a blob, and answers the rest itself. */
function wantsUrl({ method, headers }: Request, { form }: BlobAddress): boolean {
  if (form === 'edge' || (method !== 'GET' && method !== 'PUT')) return false;
  return form === 'legacy' || headers.get('accept') === SIGNED_URL;
}

/** The key as it was received. */
function keyOf({ rest }: BlobAddress): string {
  return rest.slice(rest.indexOf('/') + 1);
}

/** The stream that the site gave failed. */
class BodyError extends Error {}

/** A chunk is valid until the next one is read. */
async function* untilAborted(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const isOwner = ownsChunks(body);
  const stop = (): void => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener('abort', stop);
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause) => {
        throw new BodyError(messageOf(cause), { cause });
      });
      signal.throwIfAborted();
      if (done) return;
      yield value;
      if (isOwner) freeChunk(value);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    // The storage may have refused the rest.
    stop();
  }
}
