import type { IncomingMessage } from 'node:http';

/**
 * Headers for one connection only, which are not forwarded in either direction (RFC 9110 7.6.1).
 * `expect` is handled by this server (undici cannot send it), `http2-settings` belongs to an h2c
 * upgrade, which is never used, and `trailer` is restored only if the framing of the forwarded
 * message allows trailers.
 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Headers that `Connection` cannot remove. Otherwise a client could remove headers that this server
 * guarantees (client address, scheme) or that frame and route the message.
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

/** The usual values of `Connection`, which nominate no header. */
const PLAIN_OPTIONS: ReadonlySet<string> = new Set([
  '',
  'close',
  'keep-alive',
  'Keep-Alive',
  'Close',
  'upgrade',
  'Upgrade',
]);

/**
 * The lower-case names of the headers that a `Connection` value nominates and that must therefore
 * be removed. Undefined in the usual case that it nominates none.
 */
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

/**
 * The headers without those that `Connection` nominates. Returns the same array if it nominates
 * none.
 */
export function withoutNominated(headers: string[], connection: string | undefined): string[] {
  const nominated = connection === undefined ? undefined : nominatedBy(connection);
  return nominated ? withoutNames(headers, nominated) : headers;
}

/** Repeated headers of one name are one comma-separated list (RFC 9110 5.3). */
export function joinValues(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before},${value}`;
}

/** The flat headers without those whose lower-case name is in `names`. */
export function withoutNames(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    if (!names.has(name.toLowerCase())) kept.push(name, headers[at + 1] as string);
  }
  return kept;
}

/**
 * Enough for the spellings on a busy site. Beyond it, names are lower-cased at each look-up, so
 * that a client cannot fill the memory.
 */
const SPELLINGS = 2000;

/**
 * Looks up a header's name without lower-casing it each time: clients repeat the same spellings.
 */
export class NameTable<T> {
  readonly #byLowerCase: ReadonlyMap<string, T>;
  readonly #other: T;
  readonly #bySpelling = new Map<string, T>();
  /**
   * Not 0 if the map has a name with this length and first letter. Most other names need only this
   * look-up.
   */
  readonly #hints = new Uint8Array(HINT_LENGTHS * HINT_LETTERS);

  /** `other` is the value of every name that is not in the map. */
  constructor(byLowerCase: ReadonlyMap<string, T>, other: T) {
    this.#byLowerCase = byLowerCase;
    this.#other = other;
    for (const name of byLowerCase.keys()) this.#hints[hintOf(name)] = 1;
  }

  get(name: string): T {
    if (this.#hints[hintOf(name)] === 0) return this.#other;
    const known = this.#bySpelling.get(name);
    if (known !== undefined) return known;
    const value = this.#byLowerCase.get(name.toLowerCase()) ?? this.#other;
    if (this.#bySpelling.size < SPELLINGS) this.#bySpelling.set(name, value);
    return value;
  }
}

const HINT_LENGTHS = 32;
const HINT_LETTERS = 32;

/**
 * Index by length and first letter. The last five bits of a letter are the same in upper and lower
 * case. Names of 31 bytes and more share one row.
 */
function hintOf(name: string): number {
  return Math.min(name.length, HINT_LENGTHS - 1) * HINT_LETTERS + (name.charCodeAt(0) & (HINT_LETTERS - 1));
}

/**
 * Whether a request has a body (of any method): a Content-Length above 0, or any transfer coding
 * (RFC 9112 6.3).
 */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
