import { validateHeaderName, validateHeaderValue } from 'node:http';
import { HOP_BY_HOP } from '../../../http/headers.ts';

/** The list in `edgeone.json` that the rule belongs to. */
export type RuleKind = 'redirect' | 'rewrite' | 'headers';

/** The mistake in the source of a rule, as the rest of a sentence; undefined if it is valid. */
export function checkSource(source: unknown, kind: RuleKind): string | undefined {
  if (typeof source !== 'string')
    return `must be a path such as "/old/:id", got ${JSON.stringify(source) ?? 'nothing'}`;
  if (source.length > MAX_CHARACTERS) return `must have at most ${MAX_CHARACTERS} characters, has ${source.length}`;
  if (isHostWord(source)) return kind === 'redirect' ? undefined : `must be a path; ${source} is for redirects only`;
  if (!source.startsWith('/')) return `must start with "/", got ${JSON.stringify(source)}`;
  if (source.split('*').length > 2) return `may have one "*", got ${JSON.stringify(source)}`;
  const forbidden = /[\\^$()[\]{}|+?#\s]/.exec(source)?.[0];
  if (forbidden !== undefined)
    return `must be a path with ":name" and "*", not a regular expression: ${JSON.stringify(forbidden)} is not allowed`;
  const names = namesIn(source);
  return names.length > new Set(names).size ? `uses a name twice, got ${JSON.stringify(source)}` : undefined;
}

/** The mistake in the destination of a rule whose source is valid. */
export function checkDestination(destination: unknown, source: unknown, kind: RuleKind): string | undefined {
  if (typeof destination !== 'string') return `must be a path, got ${JSON.stringify(destination) ?? 'nothing'}`;
  if (destination.length > MAX_CHARACTERS) {
    return `must have at most ${MAX_CHARACTERS} characters, has ${destination.length}`;
  }
  if (isHostWord(String(source)) || isHostWord(destination)) return checkHostWords(String(source), destination);
  const mistake =
    kind === 'rewrite' ? checkRewriteTarget(destination, String(source)) : checkRedirectTarget(destination);
  return mistake ?? checkNames(destination, String(source));
}

/** The mistake in a response header of a rule. */
export function checkHeader(name: unknown, value: unknown): string | undefined {
  if (typeof name !== 'string' || typeof value !== 'string') return 'must have a "key" and a "value", both strings';
  const lowerName = name.toLowerCase();
  if (HOP_BY_HOP.has(lowerName) || lowerName === 'content-length') {
    return `must not set ${name}, which describes the connection or the body`;
  }
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return undefined;
  } catch {
    // Node's message contains neither the value nor the path.
    return `cannot be sent: ${JSON.stringify(`${name}: ${value}`)}`;
  }
}

/** The platform's limit. */
const MAX_CHARACTERS = 500;

function isHostWord(text: string): boolean {
  return text === '$host' || text === '$wwwhost';
}

function checkHostWords(source: string, destination: string): string | undefined {
  if (isHostWord(source) && isHostWord(destination) && source !== destination) return undefined;
  return 'must be "$wwwhost" with the source "$host", or "$host" with the source "$wwwhost"';
}

function checkRedirectTarget(destination: string): string | undefined {
  if (destination.startsWith('/') && !destination.startsWith('//')) return undefined;
  const [, authority] = /^https?:\/\/([^/?#]+)/.exec(destination) ?? [];
  if (authority === undefined) return `must be a path or start with https://, got ${JSON.stringify(destination)}`;
  // Otherwise the client chooses the host: an open redirect.
  return namesIn(authority).length > 0 ? 'must have a fixed host, without ":name"' : undefined;
}

function checkRewriteTarget(destination: string, source: string): string | undefined {
  if (!destination.startsWith('/') || destination.startsWith('//')) {
    return `must be a path: requests are forwarded to the next hop only, got ${JSON.stringify(destination)}`;
  }
  if (destination.includes('#')) return 'must have no fragment: clients do not send it to servers';
  if (source !== '/*' || namesIn(destination).includes('splat')) return undefined;
  return 'must contain :splat when the source is "/*": one page would replace all files and functions; EdgeOne does not support this either';
}

function checkNames(destination: string, source: string): string | undefined {
  const known = namesIn(source);
  if (source.includes('*')) known.push('splat');
  const unknown = namesIn(withoutOrigin(destination)).find((name) => !known.includes(name));
  return unknown === undefined ? undefined : `uses :${unknown}, which the source does not define`;
}

function withoutOrigin(destination: string): string {
  return destination.replace(/^https?:\/\/[^/?#]+/, '');
}

function namesIn(pattern: string): string[] {
  return [...pattern.matchAll(/:([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
}

/** How long caches in front of the site may keep its files. */
export interface CacheTimeRule {
  readonly source: string;
  readonly seconds: number;
}

/** About three months, the platform's limit. */
const MAX_CACHE_SECONDS = 92 * 86_400;

/** Checks a rule of `caches`. Undefined if it is not valid. `passes`: reports the mistake of a key, and returns false if there is one. */
export function checkCacheTime(
  { source, cacheTtl: seconds }: Readonly<Record<string, unknown>>,
  passes: (key: string, mistake: string | undefined) => boolean,
): CacheTimeRule | undefined {
  const isTime =
    typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_CACHE_SECONDS;
  const given = JSON.stringify(seconds) ?? 'nothing';
  const mistake = isTime ? undefined : `must be whole seconds from 0 to ${MAX_CACHE_SECONDS}, got ${given}`;
  const areValid = [passes('source', checkSource(source, 'headers')), passes('cacheTtl', mistake)];
  return isTime && areValid.every(Boolean) ? { source: String(source), seconds } : undefined;
}

export interface RedirectRule {
  /** A path with `:name` for a segment and at most one `*`; or `$host`, `$wwwhost`. */
  readonly source: string;
  /**
   * A path or URL with names of the source, `:splat` for its star; or `$wwwhost` for `$host` and
   * the reverse.
   */
  readonly destination: string;
  readonly statusCode: number;
}

export interface RewriteRule {
  readonly source: string;
  /** A path. */
  readonly destination: string;
}

export interface HeaderRule {
  readonly source: string;
  readonly headers: readonly RuleHeader[];
}

/** A header of the response. */
export interface RuleHeader {
  readonly key: string;
  readonly value: string;
}
