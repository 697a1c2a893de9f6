import { validateHeaderName, validateHeaderValue } from 'node:http';
import { nearestWord } from '../../../contract/nearest-word.ts';
import type { Problem } from '../../../contract/problem.ts';

/** The headers for the files of some paths: a part of `_headers`, or one `[[headers]]`. */
export interface HeaderRule {
  /** Relative to the site. */
  readonly file: string;
  /** The line of its path; undefined if unknown. */
  readonly line?: number;
  /** With stars and placeholders. */
  readonly path: string;
  /** By names in lower case; the name is as it is written. */
  readonly values: ReadonlyMap<string, readonly [name: string, value: string]>;
}

/** The name of the header that is no header: it protects the path. */
export const BASIC_AUTH = 'basic-auth';

/**
 * The key of a header in `HeaderRule.values`. A name that is most likely a misspelt `Basic-Auth` is one: sent as a
 * header, it would tell the passwords to every client.
 */
export function toHeaderKey(name: string): string {
  return nearestWord(name, [BASIC_AUTH]) ?? name.toLowerCase();
}

/** The value of a `Basic-Auth` that cannot be read: no client has its password. */
export const CLOSED = '';

/** The server alone knows their values. The platform ignores them, too. */
const OWN: ReadonlySet<string> = new Set([
  ...['accept-ranges', 'age', 'allow', 'alt-svc', 'connection', 'content-encoding', 'content-length', 'content-range'],
  ...['date', 'keep-alive', 'location', 'server', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/** Why a header cannot be used. Never contains the value: it may be a password. */
export interface HeaderFault extends Pick<Problem, 'severity' | 'message'> {
  /** The header is a guard: its path is closed. */
  readonly closes: boolean;
}

/** Undefined if the header can be used. */
export function findHeaderFault(name: string, value: string): HeaderFault | undefined {
  const lowerName = name.toLowerCase();
  const isGuard = toHeaderKey(name) === BASIC_AUTH;
  const toFault = (message: string): HeaderFault =>
    isGuard
      ? { severity: 'error', message: `${message}; its path is closed`, closes: true }
      : { severity: 'error', message: `${message}; it is not used`, closes: false };
  if (OWN.has(lowerName)) {
    return { ...toFault(`the header ${name} is set by the server alone`), severity: 'warning' };
  }
  if (isGuard && lowerName !== BASIC_AUTH) return toFault(`${name} is no header; did you mean Basic-Auth?`);
  if (value === '') return toFault(`the header ${JSON.stringify(name)} has no value`);
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    // Both throw for nothing else; their messages may contain the value.
    return toFault(`the header ${JSON.stringify(name)} has characters that cannot be sent`);
  }
  if (!isGuard || isCredentials(value)) return undefined;
  return toFault('Basic-Auth must be names and passwords such as "user:password", with spaces between them');
}

function isCredentials(value: string): boolean {
  return value.split(/\s+/).every((each) => each.indexOf(':') > 0);
}
