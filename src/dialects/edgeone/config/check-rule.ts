import { validateHeaderName, validateHeaderValue } from 'node:http';
import { HOP_BY_HOP } from '../../../http/headers.ts';

/** For what a pattern stands. */
export type RuleKind = 'redirect' | 'rewrite' | 'headers';

/** What is wrong with the source of a rule, as the rest of a sentence; undefined if nothing is. */
export function checkSource(source: unknown, kind: RuleKind): string | undefined {
  if (typeof source !== 'string')
    return `must be a path such as "/old/:id", got ${JSON.stringify(source) ?? 'nothing'}`;
  if (source.length > MOST_CHARACTERS) return `must have at most ${MOST_CHARACTERS} characters, has ${source.length}`;
  if (isHostWord(source)) return kind === 'redirect' ? undefined : `must be a path; only a redirect knows ${source}`;
  if (!source.startsWith('/')) return `must start with "/", got ${JSON.stringify(source)}`;
  if (source.split('*').length > 2) return `may have one "*", got ${JSON.stringify(source)}`;
  const foreign = /[\\^$()[\]{}|+?#\s]/.exec(source)?.[0];
  if (foreign !== undefined)
    return `is a path with ":name" and "*", no expression: ${JSON.stringify(foreign)} is not allowed`;
  const names = namesIn(source);
  return names.length > new Set(names).size ? `names a segment twice, got ${JSON.stringify(source)}` : undefined;
}

/** The same for its destination, given a source that is right. */
export function checkDestination(destination: unknown, source: unknown, kind: RuleKind): string | undefined {
  if (typeof destination !== 'string') return `must be a path, got ${JSON.stringify(destination) ?? 'nothing'}`;
  if (destination.length > MOST_CHARACTERS) {
    return `must have at most ${MOST_CHARACTERS} characters, has ${destination.length}`;
  }
  if (isHostWord(String(source)) || isHostWord(destination)) return checkHostWords(String(source), destination);
  const place = kind === 'rewrite' ? checkRewriteTarget(destination, String(source)) : checkRedirectTarget(destination);
  return place ?? checkNames(destination, String(source));
}

/** What is wrong with a field for answers. */
export function checkHeader(name: unknown, value: unknown): string | undefined {
  if (typeof name !== 'string' || typeof value !== 'string') return 'must have a "key" and a "value" of text';
  const lowerName = name.toLowerCase();
  if (HOP_BY_HOP.has(lowerName) || lowerName === 'content-length') {
    return `must not set ${name}, which belongs to the connection`;
  }
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return undefined;
  } catch {
    // Node's words name neither the value nor the place.
    return `cannot be sent: ${JSON.stringify(`${name}: ${value}`)}`;
  }
}

/** As on the platform. */
const MOST_CHARACTERS = 500;

function isHostWord(text: string): boolean {
  return text === '$host' || text === '$wwwhost';
}

function checkHostWords(source: string, destination: string): string | undefined {
  if (isHostWord(source) && isHostWord(destination) && source !== destination) return undefined;
  return 'leads from "$host" to "$wwwhost" or the other way round, and nowhere else';
}

function checkRedirectTarget(destination: string): string | undefined {
  if (destination.startsWith('/') && !destination.startsWith('//')) return undefined;
  const [, authority] = /^https?:\/\/([^/?#]+)/.exec(destination) ?? [];
  if (authority === undefined) return `must be a path or start with https://, got ${JSON.stringify(destination)}`;
  // Whoever asks could otherwise choose where the site leads to.
  return namesIn(authority).length > 0 ? 'must name its host, without ":name" in it' : undefined;
}

function checkRewriteTarget(destination: string, source: string): string | undefined {
  if (!destination.startsWith('/') || destination.startsWith('//')) {
    return `must be a path: whatever the site does not answer goes to the one next hop, got ${JSON.stringify(destination)}`;
  }
  if (destination.includes('#')) return 'must have no fragment, which no server is told';
  if (source !== '/*' || namesIn(destination).includes('splat')) return undefined;
  return 'would be the answer for every path, files and functions too; EdgeOne has no such rewrites for apps of one page either';
}

function checkNames(destination: string, source: string): string | undefined {
  const known = namesIn(source);
  if (source.includes('*')) known.push('splat');
  const unknown = namesIn(withoutOrigin(destination)).find((name) => !known.includes(name));
  return unknown === undefined ? undefined : `has :${unknown}, which the source has not`;
}

function withoutOrigin(destination: string): string {
  return destination.replace(/^https?:\/\/[^/?#]+/, '');
}

function namesIn(pattern: string): string[] {
  return [...pattern.matchAll(/:([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
}
