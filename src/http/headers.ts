import type { IncomingMessage } from 'node:http';

/**
 * Fields that speak about one connection only and end here, in both directions (RFC 9110 7.6.1).
 * `expect` is answered here (undici cannot send it), `http2-settings` belongs to an h2c upgrade that we never make,
 * and `trailer` is put back only where the framing of the next message can carry trailers.
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
 * Fields that `Connection` may nominate in vain. Without this a client could strip what the edge vouches for
 * (its own address, the scheme) or what frames and routes the message.
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

/** What a connection usually says of itself; nothing is nominated by it. */
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
 * The lower-case names of fields that a `Connection` value nominates for this connection alone, and that are therefore removed.
 * Undefined when it nominates none, as nearly always.
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

/** The fields without those that `Connection` nominates for this connection alone; the very same array when it nominates none. */
export function withoutNominated(fields: string[], connection: string | undefined): string[] {
  const nominated = connection === undefined ? undefined : nominatedBy(connection);
  return nominated ? withoutNames(fields, nominated) : fields;
}

/** Several fields of one name are one list (RFC 9110 5.3). */
export function joinValues(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before},${value}`;
}

/** The flat fields without those whose lower-case name is one of `names`. */
export function withoutNames(fields: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string; // pairs
    if (!names.has(name.toLowerCase())) kept.push(name, fields[at + 1] as string);
  }
  return kept;
}

/** Room for the spellings of a busy site; beyond it names are lower-cased each time, so that a client cannot fill memory. */
const SPELLINGS = 2000;

/** Looks a field's name up without lower-casing it each time: clients spell the same names the same way for ever. */
export class NameTable<T> {
  readonly #byLowerCase: ReadonlyMap<string, T>;
  readonly #other: T;
  readonly #bySpelling = new Map<string, T>();
  /** Not 0 where a name of the map has this length and first letter: most names are done with after one look. */
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

/** By length and first letter, whose last five bits do not tell upper from lower case. Longer names share one row. */
function hintOf(name: string): number {
  return Math.min(name.length, HINT_LENGTHS - 1) * HINT_LETTERS + (name.charCodeAt(0) & (HINT_LETTERS - 1));
}

/** Whether a request came with a body, which may be of any method: a Content-Length above 0, or any transfer coding (RFC 9112 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
