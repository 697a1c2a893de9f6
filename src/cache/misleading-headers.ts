import type { Client } from '../contract/client.ts';
import type { Exchange } from '../contract/exchange.ts';
import { withoutNames } from '../http/headers.ts';

/**
 * Headers that some frameworks take for the URL, the method or the state of the request. A client that sets one could get a page of another URL, or a broken one, stored as this
 * one. Browsers send none of them, and a proxy in front may send any for each request. Names that begin with `x-forwarded-` are missing where `http/trust-headers.ts` has
 * removed them of an untrusted peer. An underscore in a name counts as a hyphen: a server of CGI, WSGI or PHP cannot tell `X_Original_URL` from `X-Original-URL`.
 */
const MISLEADING: ReadonlySet<string> = new Set([
  // The URL, for servers and frameworks of all languages.
  ...['x-host', 'x-original-host', 'x-original-url', 'x-original-uri', 'x-rewrite-url', 'x-http-destinationurl'],
  ...[
    'x-http-host-override',
    'x-proxy-host',
    'x-proxy-url',
    'x-backend-host',
    'x-script-name',
    'x-scheme',
    'x-url-scheme',
  ],
  ...[
    'x-forwarded',
    'x-forwarded-host',
    'x-forwarded-port',
    'x-forwarded-path',
    'x-forwarded-uri',
    'x-forwarded-scheme',
  ],
  ...['x-forwarded-prefix', 'x-forwarded-ssl', 'x-forwarded-server', 'front-end-https'],
  ...['base-url', 'proxy-host', 'proxy-url', 'request-uri'],
  // The method.
  ...['x-http-method-override', 'x-http-method', 'x-method-override', 'x-method'],
  // What platforms tell adapters of Next.js and Astro: the page, its parameters, values for it.
  ...['x-matched-path', 'x-now-route-matches', 'x-vercel-matched-path', 'x-astro-path', 'x-astro-locals'],
  // A render without data or without a server, of Nuxt, React Router and Remix.
  ...['x-nuxt-no-ssr', 'x-nuxt-error', 'x-react-router-spa-mode', 'x-react-router-prerender-data', 'x-remix-spa-mode'],
]);

/** Between the parts of Next.js: the path, the query or the status of what is rendered, and what a middleware has answered. */
const MISLEADING_PREFIXES = ['x-invoke-', 'x-middleware-'] as const;

/** Names the host and the scheme that the client used (RFC 7239), and is missing if an untrusted peer has sent it. */
const FORWARDED = 'forwarded';

/** The code of a page sends it, and a framework answers with data instead of the page, often without Vary. */
const OF_PAGES: ReadonlySet<string> = new Set(['x-nextjs-data']);

/**
 * Removes these headers from the request of an untrusted peer. Returns the headers as they were, for a request that the target passes; undefined if nothing was
 * removed.
 */
export function removeMisleading({ client, request }: Exchange): readonly string[] | undefined {
  if (client.trusted || hasNone(request)) return undefined;
  const { headers } = request;
  const found = findMisleading(headers, false);
  if (found.length === 0) return undefined;
  request.replaceHeaders(withoutNames(headers, new Set(found.map(([name]) => name))));
  return headers;
}

/** Whether an untrusted peer sent such a header. */
export function isMisleading({ client, request }: Exchange): boolean {
  return !client.trusted && !hasNone(request) && findMisleading(request.headers, false).length > 0;
}

/** A request, as far as these headers are concerned. */
export interface AskedHeaders {
  readonly client?: Pick<Client, 'trusted'>;
  readonly request: {
    readonly headers?: readonly string[];
    readonly hasUnderscoreName?: boolean;
    readonly unknownNames?: readonly string[] | undefined;
  };
}

/**
 * The part of the key for these headers: from a trusted peer they are part of what it asks for. But it may pass them on from its own clients, so a request with
 * other values must not get the same response. '' for nearly every request.
 */
export function toMisleadingPart({ client, request }: AskedHeaders): string {
  if (hasNone(request)) return '';
  const found = findMisleading(request.headers ?? [], true);
  let part = '';
  for (const [name, value] of found) {
    const told = name === FORWARDED ? toHostAndScheme(value) : value;
    if (told !== '' && (client?.trusted || OF_PAGES.has(name))) part += `\n~${name}=${told}`;
  }
  return part;
}

/** From the first of them on: the address in front differs from client to client, and servers do not agree on what a quote hides. '' without one. */
function toHostAndScheme(forwarded: string): string {
  const at = forwarded.search(/(?:host|proto)\s*=/i);
  return at < 0 ? '' : forwarded.slice(at);
}

/** True of nearly every request, and then its list of headers was not made. */
function hasNone({ unknownNames }: AskedHeaders['request']): boolean {
  return unknownNames !== undefined && !unknownNames.some(mayBeMisleading);
}

type Found = readonly [lowerName: string, value: string];

const NONE: readonly Found[] = [];

function findMisleading(headers: readonly string[], forKey: boolean): readonly Found[] {
  let found: Found[] | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    if (!mayBeMisleading(name)) continue;
    const lowerName = name.toLowerCase();
    const isOfKey = forKey && (OF_PAGES.has(lowerName) || lowerName === FORWARDED);
    const isFound = isOfKey || isMisleadingName(lowerName.replaceAll('_', '-'));
    if (!isFound) continue;
    found ??= [];
    found.push([lowerName, headers[at + 1] as string]);
  }
  return found ?? NONE;
}

const [X, F, B, P, R] = ['x', 'f', 'b', 'p', 'r'].map((letter) => letter.charCodeAt(0));

/** By the first letter of all these names, and the length of those that do not begin with x. */
function mayBeMisleading(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20;
  return first === X || (name.length >= 8 && (first === F || first === B || first === P || first === R));
}

function isMisleadingName(lowerName: string): boolean {
  return MISLEADING.has(lowerName) || MISLEADING_PREFIXES.some((prefix) => lowerName.startsWith(prefix));
}
