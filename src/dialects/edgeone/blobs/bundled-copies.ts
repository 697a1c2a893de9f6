import { randomBytes } from 'node:crypto';
import { BlobRefusal, type BlobStorage } from '../../../contract/blob-storage.ts';
import { Fault } from '../../../contract/fault.ts';
import { wrapFetch } from '../../../contract/own-fetch.ts';
import type { Project } from '../../../contract/project.ts';
import { readPage } from './blob-page.ts';
import { STORE_PREFIX } from './pages-blob-store.ts';

/** The service that gives the package its temporary keys. Its name is in each bundled copy. */
export const KEY_SERVICE = 'blob-sts.edgeone.site';

/** Hosts of blobs: `<tenant>.blob.edgeone.site`, and `blob-nocache` for writes and strong reads. */
const BLOB_HOST = /^https:\/\/[\w-]+\.blob(?:-nocache)?\.edgeone\.site\//;

/** The variable with the credential of a deploy, which the package reads. */
const CREDENTIAL = 'PAGES_BLOB_DEPLOY_CREDENTIAL';

/** In front of each name of a store, as the tenant is on the platform. */
const ROOT = 'nexthop/';

const KEY_LIFETIME_S = 86_400;
const MOST_KEYS = 1000;

/** The storage of each site, by its token. Weak, because a site may be closed. */
type Storages = Map<string, WeakRef<BlobStorage>>;

const STORAGES = Symbol.for('nexthop.pages-blob-storages');

/**
 * Lets bundled copies of `@edgeone/pages-blob` use the storage of the site: gives them a credential,
 * and answers their requests in this process. Call it before their code is loaded. False if there is
 * no storage, or the operator has set a credential of the platform, which is used then.
 */
export function serveBundledCopies({ blobs, processEnv }: Project): boolean {
  if (!blobs) return false;
  const storages = openStorages();
  const token = processEnv[CREDENTIAL] || `nexthop-${randomBytes(16).toString('hex')}`;
  if (processEnv[CREDENTIAL] && !storages.has(token)) return false;
  storages.set(token, new WeakRef(blobs));
  processEnv[CREDENTIAL] = token;
  wrapFetch('nexthop.pages-blob-guard', (unguarded) => (input, init) => {
    const storage = findStorage(input, init);
    return storage ? answer(storage, input, init) : unguarded(input, init);
  });
  return true;
}

/** One for the process, also if nexthop is loaded twice. */
function openStorages(): Storages {
  const scope = globalThis as { [STORAGES]?: Storages };
  scope[STORAGES] ??= new Map();
  return scope[STORAGES];
}

/** Undefined for all requests but those with the token of a site. */
function findStorage(...[input, init]: Parameters<typeof fetch>): BlobStorage | undefined {
  const { href, url = href } = (input ?? {}) as { readonly href?: unknown; readonly url?: unknown }; // both are checked below
  const text = typeof input === 'string' ? input : url;
  if (typeof text !== 'string' || !text.includes('.edgeone.site/')) return undefined;
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  const isKeys = text.startsWith(`https://${KEY_SERVICE}/`);
  if (!isKeys && !BLOB_HOST.test(text)) return undefined;
  const token = isKeys ? headers.get('authorization')?.replace(/^Bearer /i, '') : headers.get('x-cos-security-token');
  return openStorages()
    .get(token ?? '')
    ?.deref();
}

async function answer(storage: BlobStorage, ...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  // Node wants to know that a stream is sent before the response is read; the package does not say it.
  const request = new Request(input, { ...init, duplex: 'half' } as RequestInit); // its type lacks `duplex`
  try {
    const { host, pathname, searchParams } = new URL(request.url);
    if (host === KEY_SERVICE) return toKeys(request);
    if (pathname === '/') return await list(storage, searchParams);
    const [, root, name = '', ...key] = pathname.split('/').map(decodeURIComponent);
    if (`${root}/` !== ROOT) return new Response('there is no such tenant', { status: 403 });
    return await answerBlob(storage, request, { store: STORE_PREFIX + name, key: key.join('/') });
  } catch (error) {
    if (error instanceof BlobRefusal)
      return new Response(error.message, { status: error.reason === 'full' ? 507 : 400 });
    if (error instanceof Fault) return new Response(error.message, { status: 503 });
    throw error;
  }
}

/** Requests that are signed with these keys are not checked: the token of the session is. */
function toKeys(request: Request): Response {
  return Response.json({
    tmpSecretId: 'nexthop',
    tmpSecretKey: 'nexthop',
    sessionToken: request.headers.get('authorization')?.replace(/^Bearer /i, ''),
    expiredTime: Math.floor(Date.now() / 1000) + KEY_LIFETIME_S,
    appId: 'nexthop',
    projectId: 'site',
    resourcePrefix: `${ROOT}*`,
  });
}

interface Place {
  readonly store: string;
  readonly key: string;
}

async function answerBlob(storage: BlobStorage, request: Request, { store, key }: Place): Promise<Response> {
  const { method, headers } = request;
  if (method === 'DELETE') {
    await storage.delete(store, key);
    return new Response(null, { status: 204 });
  }
  if (method === 'PUT') {
    const outcome = await storage.put(store, key, request.body ?? new Uint8Array(), {
      contentType: headers.get('content-type') ?? '',
      metadata: headers.get('cache-control') ?? '',
      ...(headers.get('if-none-match') === '*' && { condition: 'new' as const }),
    });
    if (outcome.state === 'changed') return new Response(null, { status: 412 });
    return new Response(null, { headers: { etag: outcome.etag } });
  }
  const found = method === 'HEAD' ? undefined : await storage.get(store, key);
  const entry = method === 'HEAD' ? await storage.head(store, key) : found?.entry;
  if (!entry) return new Response(null, { status: 404 });
  return new Response(found?.body ?? null, {
    headers: {
      etag: entry.etag,
      'content-length': String(entry.size),
      'last-modified': new Date(entry.modifiedAtMs).toUTCString(),
      ...(entry.contentType !== '' && { 'content-type': entry.contentType }),
      ...(entry.metadata !== '' && { 'cache-control': entry.metadata }),
    },
  });
}

/** A list of a bucket of S3, version 1. Of the prefix the first segments are the tenant and the store. */
async function list(storage: BlobStorage, query: URLSearchParams): Promise<Response> {
  const [, name, prefix = ''] = /^nexthop\/(?:([\w-]*)\/)?(.*)$/s.exec(query.get('prefix') ?? '') ?? [];
  const marker = query.get('marker') || undefined;
  if (name === undefined) {
    const { stores, cursor } = await storage.listStores(STORE_PREFIX, marker);
    const folders = stores.map((store) => `${ROOT}${store.slice(STORE_PREFIX.length)}/`);
    return toXml([], folders, cursor);
  }
  const page = await readPage(storage, STORE_PREFIX + name, {
    prefix,
    directories: query.get('delimiter') === '/',
    marker,
    limit: Math.min(Number(query.get('max-keys') ?? MOST_KEYS), MOST_KEYS),
  });
  const own = `${ROOT}${name}/`;
  return toXml(
    page.blobs.map(({ key, etag }) => ({ key: own + key, etag })),
    page.directories.map((folder) => `${own}${folder}/`),
    page.marker,
  );
}

interface ListedKey {
  readonly key: string;
  readonly etag: string;
}

function toXml(blobs: readonly ListedKey[], folders: readonly string[], next: string | undefined): Response {
  const contents = blobs.map(
    ({ key, etag }) => `<Contents><Key>${toXmlText(key)}</Key><ETag>${etag}</ETag></Contents>`,
  );
  const prefixes = folders.map((folder) => `<CommonPrefixes><Prefix>${toXmlText(folder)}</Prefix></CommonPrefixes>`);
  const end = next === undefined ? '' : `<NextMarker>${toXmlText(next)}</NextMarker>`;
  const text = `<ListBucketResult><IsTruncated>${next !== undefined}</IsTruncated>${end}${contents.join('')}${prefixes.join('')}</ListBucketResult>`;
  return new Response(text, { headers: { 'content-type': 'application/xml' } });
}

function toXmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
