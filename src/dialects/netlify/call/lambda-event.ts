import { isUtf8 } from 'node:buffer';
import { addClientHeaders } from './client-headers.ts';
import { mockGeo, toGeo } from './geo.ts';
import type { Invocation } from './invocation.ts';
import type { Platform } from './platform.ts';

/**
 * The `event` of a Lambda-compatible handler (docs.netlify.com/functions/lambda-compatibility,
 * `HandlerEvent` of `@netlify/functions`).
 */
export interface LambdaEvent {
  readonly rawUrl: string;
  /** Without the question mark. */
  readonly rawQuery: string;
  /** Raw, not decoded. */
  readonly path: string;
  readonly httpMethod: string;
  readonly headers: Record<string, string>;
  readonly multiValueHeaders: Record<string, string[]>;
  readonly queryStringParameters: Record<string, string>;
  readonly multiValueQueryStringParameters: Record<string, string[]>;
  readonly body: string | null;
  readonly isBase64Encoded: boolean;
  readonly route?: string;
  /** For `connectLambda()` of `@netlify/blobs`; only in sites that use it. */
  readonly blobs?: string;
}

/** The values that the events of all functions of a site share. */
export type LambdaSite = Pick<Platform, 'site' | 'mockCountry' | 'blobs'>;

/** Creates the event of one call. An empty `body` becomes null. */
export function toLambdaEvent(invocation: Invocation, body: Buffer, platform: LambdaSite): LambdaEvent {
  const { url, method, route } = invocation;
  const headers = toHeaders(invocation, platform);
  const query = toQuery(url);
  const hasBody = body.length > 0;
  const isBase64Encoded = hasBody && isBinary(headers.get('content-type')?.join(', '), body);
  return {
    rawUrl: url,
    rawQuery: query,
    path: toPath(url),
    httpMethod: method,
    headers: joinValues(headers),
    multiValueHeaders: Object.fromEntries(headers),
    ...toParameters(query),
    body: hasBody ? body.toString(isBase64Encoded ? 'base64' : 'utf8') : null,
    isBase64Encoded,
    ...(route !== undefined && { route }),
    ...(platform.blobs && { blobs: platform.blobs.eventBlobs }),
  };
}

/**
 * The headers of the request, by lower-case name. Headers that the platform sets replace those of
 * the client.
 */
function toHeaders(invocation: Invocation, platform: LambdaSite): Map<string, string[]> {
  const { rawHeaders, clientAddress, url } = invocation;
  const headers = new Map<string, string[]>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase(); // pairs
    const value = rawHeaders[at + 1] as string;
    const values = headers.get(name);
    if (values) values.push(value);
    else headers.set(name, [value]);
  }
  headers.set('client-ip', [clientAddress]);
  addClientHeaders(
    {
      get: (name) => headers.get(name)?.join(', ') ?? null,
      set: (name, value) => headers.set(name, [value]),
    },
    invocation,
  );
  if (platform.mockCountry !== undefined || !headers.has('x-nf-geo'))
    headers.set('x-nf-geo', [toGeoHeader(invocation, platform)]);
  if (!headers.has('x-nf-account-id')) headers.set('x-nf-account-id', ['']);
  if (platform.blobs) {
    headers.set('x-nf-deploy-id', [platform.blobs.deployId]);
    headers.set('x-nf-site-id', [platform.blobs.site]);
  }
  if (!headers.has('x-nf-site-id')) headers.set('x-nf-site-id', [platform.site.id ?? '']);
  if (!headers.has('host')) headers.set('host', [toAuthority(url)]);
  return headers;
}

/**
 * As the platform's gateway writes it. Also set if nothing is known, because functions parse it
 * without a check.
 */
function toGeoHeader({ rawHeaders, trusted }: Invocation, { mockCountry }: LambdaSite): string {
  const geo = mockCountry !== undefined ? mockGeo(mockCountry) : trusted ? toGeo(rawHeaders) : {};
  const { postalCode, ...rest } = geo;
  return Buffer.from(JSON.stringify({ ...rest, postal_code: postalCode })).toString('base64');
}

/** `fromEntries` also handles a header or parameter with the name __proto__ as any other. */
function joinValues(values: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  const entries = Array.from(values, ([name, list]) => [name, list.join(name === 'cookie' ? '; ' : ', ')] as const);
  return Object.fromEntries(entries);
}

type Parameters = Pick<LambdaEvent, 'queryStringParameters' | 'multiValueQueryStringParameters'>;

/**
 * Parameters are flat: `a[b]` is a plain name. Repeated parameters are joined as on the platform
 * and in its command line.
 */
function toParameters(query: string): Parameters {
  const values = new Map<string, string[]>();
  if (query !== '') {
    for (const [name, value] of new URLSearchParams(query)) {
      const list = values.get(name);
      if (list) list.push(value);
      else values.set(name, [value]);
    }
  }
  const single = Array.from(values, ([name, list]) => [name, list.join(', ')] as const);
  return {
    queryStringParameters: Object.fromEntries(single),
    multiValueQueryStringParameters: Object.fromEntries(values),
  };
}

const TEXT =
  /^(?:text\/.*|.*\+(?:json|xml)|application\/(?:csp-report|graphql|json|javascript|x-www-form-urlencoded|x-ndjson|xml))$/i;

/**
 * Decided by the content type, as on the platform. A text type whose bytes are no UTF-8 (compressed, or
 * another charset) loses bytes there; here it becomes base64.
 */
function isBinary(contentType: string | undefined, body: Buffer): boolean {
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim() ?? '';
  return !(TEXT.test(mediaType) && isUtf8(body));
}

/** Raw: `new URL` would resolve dot segments and re-encode. */
function toPath(url: string): string {
  const start = pathStart(url);
  const query = url.indexOf('?', start);
  return query < 0 ? url.slice(start) : url.slice(start, query);
}

function toQuery(url: string): string {
  const query = url.indexOf('?', pathStart(url));
  return query < 0 ? '' : url.slice(query + 1);
}

function toAuthority(url: string): string {
  return url.slice(url.indexOf('://') + 3, pathStart(url));
}

/** The index of the path in an absolute URL: its third slash. */
function pathStart(url: string): number {
  return url.indexOf('/', url.indexOf('://') + 3);
}
