import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Problem } from '../contract/problem.ts';
import { HOP_BY_HOP } from '../http/headers.ts';
import type { NamedFolder } from './list-files.ts';

/** The headers of a file besides the usual ones. */
export interface ExtraHeaders {
  /** Replaces the usual value. */
  readonly cacheControl?: string;
  /** Names and values in turn, as `writeHead` expects them. */
  readonly headers: readonly string[];
}

export interface ExtraHeadersFound {
  /** By the path in the folder's `headers`, without a slash at its end. */
  readonly byPath: ReadonlyMap<string, ExtraHeaders>;
  readonly problems: readonly Problem[];
}

/**
 * Prepares the headers that a folder adds to its files. One that cannot be sent is left out and
 * becomes a problem.
 */
export function toExtraHeaders({ folder, headers = new Map() }: NamedFolder): ExtraHeadersFound {
  const byPath = new Map<string, ExtraHeaders>();
  const problems: Problem[] = [];
  for (const [path, given] of headers) {
    const good = given.filter(([name, value]) => {
      const fault = findFault(name, value);
      if (fault) problems.push({ severity: 'warning', file: folder, message: `of ${path}: ${fault}` });
      return !fault;
    });
    byPath.set(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path, toFields(good));
  }
  return { byPath, problems };
}

/** Headers that describe the content; only the code that sends it sets them. */
const OWN: ReadonlySet<string> = new Set([
  ...['accept-ranges', 'content-encoding', 'content-length', 'content-range', 'content-type', 'date'],
  ...['etag', 'last-modified', 'location', 'section-io-id', 'x-content-type-options', 'x-request-id'],
]);

/** Undefined if the header can be sent. */
function findFault(name: string, value: string): string | undefined {
  const lowered = name.toLowerCase();
  if (OWN.has(lowered) || HOP_BY_HOP.has(lowered)) return `the header ${name} is set by nexthop alone`;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return undefined;
  } catch (error) {
    return `the header ${name} cannot be sent: ${(error as Error).message}`; // all that they throw
  }
}

function toFields(given: readonly (readonly [name: string, value: string])[]): ExtraHeaders {
  const isCacheControl = ([name]: readonly [string, string]) => name.toLowerCase() === 'cache-control';
  const cacheControl = given
    .filter(isCacheControl)
    .map(([, value]) => value)
    .join(', ');
  const headers = given.filter((field) => !isCacheControl(field)).flat();
  return cacheControl === '' ? { headers } : { cacheControl, headers };
}
