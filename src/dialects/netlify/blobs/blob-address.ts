import { BlobRefusal } from '../../../contract/blob-storage.ts';

/** The origin that the client gets as its edge; no request to it leaves the process. */
export const BLOBS_ORIGIN = 'http://blobs.nexthop.internal';

/** The API that the client calls when it is given a site id and a token. */
const API_ORIGIN = 'https://api.netlify.com';
const API_PATH = /^\/api\/v1\/(?:blobs(?=\/)|sites\/([^/]+)\/blobs(?=\/|$))/;

/** The first segment of a URL that is valid without a header. */
const SIGNED = '.signed:';

/** What a request of the client is about. */
export interface BlobAddress {
  /** 'edge': of the context. 'api': at api.netlify.com. 'legacy': there, in the form of old clients. */
  readonly form: 'edge' | 'api' | 'legacy';
  /** The token in a signed URL. */
  readonly token?: string;
  readonly site: string;
  /** With its prefix, e.g. `site:things`. Undefined in a list of stores. */
  readonly store?: string;
  readonly key?: string;
  /** The path below the site as it was received, for a signed URL. */
  readonly rest: string;
}

/** Which address of the client a URL has; undefined for any other URL. */
export function toBlobHost(url: string): 'edge' | 'api' | undefined {
  if (url.startsWith(`${BLOBS_ORIGIN}/`)) return 'edge';
  if (!url.startsWith(`${API_ORIGIN}/`)) return undefined;
  return API_PATH.test(url.slice(API_ORIGIN.length).split('?', 1)[0] ?? '') ? 'api' : undefined;
}

/** The token of a URL that is valid without a header. */
export function toSignature(url: string): string | undefined {
  const start = `${BLOBS_ORIGIN}/${SIGNED}`;
  return url.startsWith(start) ? url.slice(start.length).split('/', 1)[0] : undefined;
}

/**
 * Reads a URL of the client, which does not encode keys: `new URL` has already removed dot segments,
 * and ended the path at the first `?` or `#`. Each segment is decoded once; broken escapes are part
 * of the key. Throws a BlobRefusal for a store or key that is empty.
 */
export function readAddress({ origin, pathname, searchParams }: URL): BlobAddress {
  if (origin === API_ORIGIN) return readApi(pathname, searchParams);
  const segments = pathname.slice(1).split('/');
  const token = takePrefixed(segments, SIGNED);
  takePrefixed(segments, 'region:');
  return { form: 'edge', ...(token !== undefined && { token: decode(token) }), ...readSegments(segments) };
}

/** The URL of an address that needs no header. */
export function toSignedUrl(token: string, site: string, rest: string): string {
  return `${BLOBS_ORIGIN}/${SIGNED}${encodeURIComponent(token)}/${encodeURIComponent(site)}/${rest}`;
}

function readApi(pathname: string, searchParams: URLSearchParams): BlobAddress {
  const [start = '', site] = API_PATH.exec(pathname) ?? [];
  const rest = pathname.slice(start.length + 1);
  if (site === undefined) return { form: 'api', ...readSegments(rest.split('/')) };
  const store = searchParams.get('context') ?? '';
  const names = pathname.length > start.length ? [store, ...rest.split('/')] : [store];
  return { form: 'legacy', ...readSegments([site, ...names]) };
}

function readSegments([site = '', ...names]: readonly string[]): Omit<BlobAddress, 'form'> {
  const [store, ...key] = names.map(decode);
  const address = { site: decode(site), rest: names.join('/') };
  if (store === undefined) return address;
  if (store === '') throw new BlobRefusal('bad_name', 'the URL has no store');
  return key.length === 0 ? { ...address, store } : { ...address, store, key: key.join('/') };
}

function takePrefixed(segments: string[], prefix: string): string | undefined {
  return segments[0]?.startsWith(prefix) ? segments.shift()?.slice(prefix.length) : undefined;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // A key like `100%` is as good as any other.
    return segment;
  }
}
