import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BlobStorage } from '../contract/blob-storage.ts';
import { messageOf } from '../contract/error-message.ts';
import { BlobsError } from './blobs-call.ts';

const API = 'https://api.netlify.com';

/** Blobs that are copied at once. */
const COPIES = 8;
/** How often a request is sent that gets no answer, 429 or 5xx. */
const ATTEMPTS = 4;
/** Before the second attempt; the pauses grow. */
const PAUSE_MS = 250;

export interface Imported {
  readonly imported: number;
  readonly bytes: number;
}

/** Stores each file below a folder; its relative path is the key. */
export async function importFolder(storage: BlobStorage, store: string, folder: string): Promise<Imported> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return copyAll(files, async (file) => {
    const key = relative(folder, file);
    await storage.put(store, key, createReadStream(file));
    return (await storage.head(store, key))?.size ?? 0;
  });
}

export interface ImportedSite {
  readonly site: string;
  readonly token: string;
  /** Whole names. Empty: all stores of the site. */
  readonly stores: readonly string[];
  /** Default: the API of Netlify. */
  readonly api?: string;
}

/** Copies stores of a site at Netlify, with content types and metadata. */
export async function importSite(storage: BlobStorage, { api = API, ...from }: ImportedSite): Promise<Imported> {
  const remote = new RemoteSite(`${api}/api/v1/blobs/${encodeURIComponent(from.site)}`, from.token);
  const stores = from.stores.length > 0 ? from.stores : await remote.listStores();
  let imported = 0;
  let bytes = 0;
  for (const store of stores) {
    for await (const keys of remote.listKeys(store)) {
      const copied = await copyAll(keys, (key) => remote.copy(storage, store, key));
      imported += copied.imported;
      bytes += copied.bytes;
    }
  }
  return { imported, bytes };
}

class RemoteSite {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async listStores(): Promise<readonly string[]> {
    const stores: string[] = [];
    for await (const page of this.#pages('', { prefix: 'site:' })) stores.push(...(page.stores ?? []));
    return stores;
  }

  async *listKeys(store: string): AsyncGenerator<readonly string[]> {
    for await (const page of this.#pages(`/${encodeURIComponent(store)}`, {})) {
      yield (page.blobs ?? []).map(({ key }) => key);
    }
  }

  /** The API answers with the URL of the content. */
  async copy(storage: BlobStorage, store: string, key: string): Promise<number> {
    const path = `/${encodeURIComponent(store)}/${key.split('/').map(encodeURIComponent).join('/')}`;
    const { url } = await this.#json<{ readonly url: string }>(path, { accept: 'application/json;type=signed-url' });
    const { headers, body } = await this.#fetch(url, {});
    const metadata = headers.get('x-amz-meta-user') ?? headers.get('netlify-blobs-metadata') ?? '';
    await storage.put(store, key, body ?? new Uint8Array(), {
      contentType: headers.get('content-type') ?? '',
      metadata,
    });
    return Number(headers.get('content-length'));
  }

  async *#pages(path: string, query: Record<string, string>): AsyncGenerator<Page> {
    let cursor: string | undefined;
    do {
      const text = new URLSearchParams({ ...query, ...(cursor !== undefined && { cursor }) }).toString();
      const page: Page = await this.#json(text === '' ? path : `${path}?${text}`, {});
      yield page;
      cursor = page.next_cursor;
    } while (cursor !== undefined);
  }

  async #json<T>(path: string, headers: Record<string, string>): Promise<T> {
    const authorization = `Bearer ${this.#token}`;
    const response = await this.#fetch(`${this.#url}${path}`, { authorization, ...headers });
    return response.json() as Promise<T>; // the form is the platform's
  }

  /** What may succeed a moment later is repeated: one failure of thousands must not end an import. */
  async #fetch(url: string, headers: Record<string, string>): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(url, { headers }).catch((error: Error) => error);
      const isLast = attempt === ATTEMPTS;
      if (response instanceof Error) {
        const reason = messageOf(response.cause ?? response);
        if (isLast) throw new BlobsError(`Netlify cannot be reached: ${reason}`, { cause: response });
      } else if (isLast || response.ok || !(response.status === 429 || response.status >= 500)) {
        return response.ok ? response : this.#refuse(url, response);
      } else await response.body?.cancel();
      await delay(PAUSE_MS * attempt);
    }
  }

  async #refuse(url: string, response: Response): Promise<never> {
    await response.body?.cancel();
    const advice =
      response.status === 401 || response.status === 403 ? '; check NETLIFY_AUTH_TOKEN and the site id' : '';
    throw new BlobsError(`Netlify answered ${response.status} to ${new URL(url).pathname}${advice}`);
  }
}

interface Page {
  readonly stores?: readonly string[];
  readonly blobs?: readonly { readonly key: string }[];
  readonly next_cursor?: string;
}

async function copyAll(names: readonly string[], copy: (name: string) => Promise<number>): Promise<Imported> {
  let bytes = 0;
  for (let at = 0; at < names.length; at += COPIES) {
    const sizes = await Promise.all(names.slice(at, at + COPIES).map(copy));
    bytes += sizes.reduce((sum, size) => sum + size, 0);
  }
  return { imported: names.length, bytes };
}
