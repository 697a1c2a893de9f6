import { HeaderTable } from './header-table.ts';

/** A header about one connection alone; each connection writes its own. */
export const OF_CONNECTION = 1;
export const CONTENT_LENGTH = 2;
export const DATE = 3;
export const TRAILER = 4;
export const CONNECTION = 5;

/** Those that end at this hop (RFC 9110 7.6.1). `HTTP2-Settings` belongs to an h2c upgrade that is never made, `Expect` is answered here. */
export const HOP_BY_HOP = {
  Connection: CONNECTION,
  Trailer: TRAILER,
  Expect: OF_CONNECTION,
  'HTTP2-Settings': OF_CONNECTION,
  'Keep-Alive': OF_CONNECTION,
  'Proxy-Authenticate': OF_CONNECTION,
  'Proxy-Authentication-Info': OF_CONNECTION,
  'Proxy-Authorization': OF_CONNECTION,
  'Proxy-Connection': OF_CONNECTION,
  TE: OF_CONNECTION,
  'Transfer-Encoding': OF_CONNECTION,
  Upgrade: OF_CONNECTION,
} as const;

/** The headers that a writer of heads does not simply copy. */
export const WRITTEN = new HeaderTable({ ...HOP_BY_HOP, 'Content-Length': CONTENT_LENGTH, Date: DATE });

/**
 * Headers that are kept although `Connection` nominates them: a client must not remove what the edge has set (its address, the
 * scheme) or what frames, routes and guards the message. Caddy and Apache allow it (docs/decisions/wire.md).
 */
const PROTECTED: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'cdn-loop',
  'client-ip',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'eo-connecting-ip',
  'forwarded',
  'host',
  'location',
  'max-forwards',
  'set-cookie',
  'true-client-ip',
  'via',
  'www-authenticate',
  'x-netlify-event',
  'x-request-id',
]);

const PROTECTED_PREFIXES = ['x-forwarded-', 'section-', 'eo-', 'x-nf-', 'x-netlify-original-'];

const PLAIN_OPTIONS: ReadonlySet<string> = new Set(['', 'close', 'keep-alive', 'upgrade', 'te']);

/**
 * The end-to-end headers of a message (flat): without those of its connection, and without those that its
 * `connection` value nominates. The same array if there is nothing to remove.
 */
export function toEndToEnd(headers: readonly string[], connection: string | undefined): readonly string[] {
  const nominated = connection === undefined ? undefined : nominatedBy(connection);
  let kept: string[] | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    const id = WRITTEN.idOf(name);
    if (id === OF_CONNECTION || id === CONNECTION || id === TRAILER || nominated?.has(name.toLowerCase())) {
      kept ??= headers.slice(0, at);
    } else kept?.push(name, headers[at + 1] as string);
  }
  return kept ?? headers;
}

/** The lower-case names that a `Connection` value nominates for this connection alone; undefined if none, which is the usual case. */
export function nominatedBy(connection: string): ReadonlySet<string> | undefined {
  if (PLAIN_OPTIONS.has(connection)) return undefined;
  const nominated = connection
    .toLowerCase()
    .split(',')
    .map((option) => option.trim())
    .filter((option) => !PLAIN_OPTIONS.has(option) && !isProtected(option));
  return nominated.length > 0 ? new Set(nominated) : undefined;
}

function isProtected(name: string): boolean {
  return PROTECTED.has(name) || PROTECTED_PREFIXES.some((prefix) => name.startsWith(prefix));
}
