import { validateHeaderName, validateHeaderValue } from 'node:http';

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

/** The server alone knows their values. The platform ignores them, too. */
const OWN: ReadonlySet<string> = new Set([
  ...['accept-ranges', 'age', 'allow', 'alt-svc', 'connection', 'content-encoding', 'content-length', 'content-range'],
  ...['date', 'keep-alive', 'location', 'server', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/** Why a header cannot be used; undefined if it can. Never contains the value: it may be a password. */
export function findHeaderFault(name: string, value: string): string | undefined {
  const lowerName = name.toLowerCase();
  if (OWN.has(lowerName)) return `the header ${name} is set by the server alone; it is not used`;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    // Both throw for nothing else; their messages may contain the value.
    return `the header ${JSON.stringify(name)} has characters that cannot be sent; it is not used`;
  }
  if (lowerName !== BASIC_AUTH || isCredentials(value)) return undefined;
  return 'Basic-Auth must be names and passwords such as "user:password", with spaces between them; its path is closed';
}

function isCredentials(value: string): boolean {
  return value.split(/\s+/).every((each) => each.indexOf(':') > 0);
}
