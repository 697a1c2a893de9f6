import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { BlobRefusal, type BlobStorage } from '../../../contract/blob-storage.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { OWN_PAGE } from '../../../contract/own-page.ts';
import type { Kv } from '../../../contract/store.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { toWebBody } from '../../../http/web-request-body.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import { PagesBlobError } from './pages-blob-error.ts';
import type { UploadOptions, UploadUrl } from './pages-blob-store.ts';

/** The path of upload URLs. */
const PREFIX = '/.well-known/nexthop/upload/';

const SECRET = 'secret';
const DEFAULT_SECONDS = 3600;
const MAX_SECONDS = 7 * 86_400;

export interface UploadsParts {
  readonly storage: BlobStorage;
  /** Holds the secret of the site, and the signatures that were used. */
  readonly kv: Kv;
  /** Origin of the site, for absolute URLs. Undefined: there are none. */
  readonly origin: string | undefined;
}

/** Upload URLs: a client with such a URL may write one blob, once, until it expires. They are signed with a secret of the site. */
export class Uploads implements Target {
  readonly name = '@edgeone/pages-blob';
  readonly isOwn = true;
  readonly #parts: UploadsParts;

  constructor(parts: UploadsParts) {
    this.#parts = parts;
  }

  async createUrl(
    store: string,
    key: string,
    { expireSeconds = DEFAULT_SECONDS, contentType = '' }: UploadOptions,
  ): Promise<UploadUrl> {
    const { origin } = this.#parts;
    if (origin === undefined) {
      const message = 'createUploadUrl needs the variable SITE_URL, the origin of the site for clients';
      throw new PagesBlobError(message, 'MISSING_ENVIRONMENT');
    }
    if (!(expireSeconds > 0 && expireSeconds <= MAX_SECONDS)) {
      throw new PagesBlobError(`expireSeconds must be from 1 to ${MAX_SECONDS}, got ${expireSeconds}`);
    }
    const expiresAt = Math.floor(Date.now() / 1000 + expireSeconds);
    const claim = { store, key, type: contentType, expires: String(expiresAt), once: randomBytes(8).toString('hex') };
    const query = new URLSearchParams({ ...claim, signature: await this.#sign(claim) });
    query.delete('key');
    return { url: `${origin}${PREFIX}${encodeURIComponent(key)}?${query}`, key, expiresAt };
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const { target, request } = exchange;
    if (!target.startsWith(PREFIX)) return 'passed';
    exchange.step = OWN_PAGE;
    const url = new URL(target, 'http://localhost');
    const part = (name: string): string => url.searchParams.get(name) ?? '';
    const claim: Claim = {
      store: part('store'),
      key: decodeKey(url.pathname.slice(PREFIX.length)),
      type: part('type'),
      expires: part('expires'),
      once: part('once'),
    };
    const isFitting = claim.type === '' || claim.type === request.get('content-type');
    if (request.method !== 'PUT' || !isFitting || !(await this.#accepts(claim, part('signature')))) {
      return writeWebResponse(exchange, new Response('the upload is not allowed\n', { status: 403 }));
    }
    return this.#store(exchange, claim);
  }

  async #store(exchange: Exchange, { store, key }: Claim): Promise<Outcome> {
    const contentType = exchange.request.get('content-type') ?? '';
    try {
      const outcome = await this.#parts.storage.put(store, key, toWebBody(exchange), { contentType });
      const headers = outcome.state === 'stored' ? { etag: outcome.etag } : {};
      return writeWebResponse(exchange, new Response(null, { status: 200, headers }));
    } catch (cause) {
      if (!(cause instanceof BlobRefusal)) throw cause;
      throw new Fault('body_too_large', { message: cause.message, cause });
    }
  }

  /** A signature is used up by the first request with it. */
  async #accepts(claim: Claim, signature: string): Promise<boolean> {
    const expected = Buffer.from(await this.#sign(claim));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
    const leftMs = Number(claim.expires) * 1000 - Date.now();
    if (!(leftMs > 0)) return false;
    const used = `used/${signature}`;
    if (await this.#parts.kv.get(used)) return false;
    await this.#parts.kv.put(used, Buffer.from('1'), leftMs);
    return true;
  }

  async #sign({ store, key, type, expires, once }: Claim): Promise<string> {
    const data = JSON.stringify([store, key, type, expires, once]);
    return createHmac('sha256', await this.#secret())
      .update(data)
      .digest('base64url');
  }

  /** The first process of the site makes it. It is read anew each time: of two at once, one wins. */
  async #secret(): Promise<Uint8Array> {
    const { kv } = this.#parts;
    const known = await kv.get(SECRET);
    if (known) return known;
    await kv.put(SECRET, randomBytes(32));
    return (await kv.get(SECRET)) ?? randomBytes(32);
  }
}

interface Claim {
  readonly store: string;
  readonly key: string;
  readonly type: string;
  readonly expires: string;
  readonly once: string;
}

/** '' for a malformed escape, which no signature fits. */
function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return '';
  }
}
