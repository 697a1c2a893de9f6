import { isUtf8 } from 'node:buffer';
import { addClientHeaders } from './client-headers.ts';
import { mockGeo, toGeo } from './geo.ts';
import type { Invocation } from './invocation.ts';
import type { Platform } from './platform.ts';

/** The `event` of a Lambda-compatible handler (docs.netlify.com/functions/lambda-compatibility, `HandlerEvent` of `@netlify/functions`). */
export interface LambdaEvent {
  readonly rawUrl: string;
  /** Without "?". */
  readonly rawQuery: string;
  /** Still encoded. */
  readonly path: string;
  readonly httpMethod: string;
  readonly headers: Record<string, string>;
  readonly multiValueHeaders: Record<string, string[]>;
  readonly queryStringParameters: Record<string, string>;
  readonly multiValueQueryStringParameters: Record<string, string[]>;
  readonly body: string | null;
  readonly isBase64Encoded: boolean;
  readonly route?: string;
}

/** What the events of all functions of a site have in common. */
export type LambdaSite = Pick<Platform, 'site' | 'mockCountry'>;

/** A body without bytes is null. */
export function toLambdaEvent(invocation: Invocation, body: Buffer, platform: LambdaSite): LambdaEvent {
  const { url, method, route } = invocation;
  const fields = toFields(invocation, platform);
  const query = toQuery(url);
  const hasBody = body.length > 0;
  const isBase64Encoded = hasBody && isBinary(fields.get('content-type')?.join(', '), body);
  return {
    rawUrl: url,
    rawQuery: query,
    path: toPath(url),
    httpMethod: method,
    headers: joined(fields),
    multiValueHeaders: Object.fromEntries(fields),
    ...toParameters(query),
    body: hasBody ? body.toString(isBase64Encoded ? 'base64' : 'utf8') : null,
    isBase64Encoded,
    ...(route !== undefined && { route }),
  };
}

/** In lower case; those that the platform vouches for stand in place of what came. */
function toFields(invocation: Invocation, platform: LambdaSite): Map<string, string[]> {
  const { rawHeaders, clientAddress, url } = invocation;
  const fields = new Map<string, string[]>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase(); // pairs
    const value = rawHeaders[at + 1] as string;
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  }
  fields.set('client-ip', [clientAddress]);
  addClientHeaders(
    {
      get: (name) => fields.get(name)?.join(', ') ?? null,
      set: (name, value) => fields.set(name, [value]),
    },
    invocation,
  );
  if (platform.mockCountry !== undefined || !fields.has('x-nf-geo'))
    fields.set('x-nf-geo', [toGeoHeader(invocation, platform)]);
  if (!fields.has('x-nf-account-id')) fields.set('x-nf-account-id', ['']);
  if (!fields.has('x-nf-site-id')) fields.set('x-nf-site-id', [platform.site.id ?? '']);
  if (!fields.has('host')) fields.set('host', [toAuthority(url)]);
  return fields;
}

/** As the platform's gateway writes it, also when nothing is known: functions parse it unseen. */
function toGeoHeader({ rawHeaders, trusted }: Invocation, { mockCountry }: LambdaSite): string {
  const geo = mockCountry !== undefined ? mockGeo(mockCountry) : trusted ? toGeo(rawHeaders) : {};
  const { postalCode, ...rest } = geo;
  return Buffer.from(JSON.stringify({ ...rest, postal_code: postalCode })).toString('base64');
}

/** By `fromEntries`, as a field or parameter called __proto__ is one like any other. */
function joined(values: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  const entries = Array.from(values, ([name, list]) => [name, list.join(name === 'cookie' ? '; ' : ', ')] as const);
  return Object.fromEntries(entries);
}

type Parameters = Pick<LambdaEvent, 'queryStringParameters' | 'multiValueQueryStringParameters'>;

/** Flat: `a[b]` is a name. Repeated ones are joined as the platform and its command line do. */
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
 * By content type, as on the platform. What calls itself text but is no UTF-8 (compressed, or of another charset) loses bytes there; here it
 * is base64 too.
 */
function isBinary(contentType: string | undefined, body: Buffer): boolean {
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim() ?? '';
  return !(TEXT.test(mediaType) && isUtf8(body));
}

/** Raw, where `new URL` would resolve dot segments and encode anew. */
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

/** An absolute URL with a path: its third slash. */
function pathStart(url: string): number {
  return url.indexOf('/', url.indexOf('://') + 3);
}
