import type { Problem } from '../../../contract/problem.ts';
import { BASIC_AUTH, CLOSED, findHeaderFault, type HeaderFault, type HeaderRule, toHeaderKey } from './header-rule.ts';

export interface HeadersFile {
  /** In the order of the file. */
  readonly rules: readonly HeaderRule[];
  /** One for each line that cannot be used. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the text of a `_headers` file. A line that begins with a slash is a path; the lines below it
 * are its headers, `Name: value`. A name that is repeated has all values, with commas. Empty lines
 * and lines that begin with `#` are ignored. `file`: its path, relative to the site.
 */
export function readHeadersFile(text: string, file: string): HeadersFile {
  const rules: (HeaderRule & { readonly values: Map<string, readonly [string, string]> })[] = [];
  const problems: Problem[] = [];
  // The path of the lines below is not known.
  let isLost = true;
  let isOfUrl = false;
  let isClosed = false;
  for (const [index, each] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = each.trim();
    if (line === '' || line.startsWith('#')) continue;
    const place = { file, line: index + 1 };
    const report = (message: string, severity: Problem['severity'] = 'error'): void =>
      void problems.push({ severity, ...place, message });
    const rule = rules.at(-1);
    if (line.startsWith('/')) {
      rules.push({ ...place, path: line, values: new Map() });
      isLost = false;
      isOfUrl = false;
    } else if (IS_URL.test(line)) {
      report('is a URL, and must be a path of the site, such as "/about"; the headers below are not used');
      isLost = true;
      isOfUrl = true;
    } else if (isLost && line.includes(':') && isGuard(line)) {
      report('must stand below the path that it protects; every path is closed');
      isClosed = true;
    } else if (OF_CLOUDFLARE.test(line)) report('is for Cloudflare Pages alone; it is not used', 'warning');
    else if (!line.includes(':')) {
      report('is neither a path with a slash at its start nor a header, "Name: value"; it is not used');
      isLost ||= IS_PATH.test(line);
    } else if (isOfUrl) continue;
    else if (!rule) report('must stand below the path that it is for; it is not used');
    else addHeader(rule.values, line, ({ message, severity }) => report(message, severity));
  }
  if (isClosed) rules.push({ file, path: '/*', values: new Map([[BASIC_AUTH, ['', CLOSED]]]) });
  return { rules: rules.filter(({ values }) => values.size > 0), problems };
}

function isGuard(line: string): boolean {
  return toHeaderKey(line.slice(0, line.indexOf(':')).trim()) === BASIC_AUTH;
}

const IS_URL = /^https?:\/\//;

/** A path that lacks its first slash. */
const IS_PATH = /^\S*\/\S*$/;

/** The removal of a header. */
const OF_CLOUDFLARE = /^!/;

function addHeader(
  values: Map<string, readonly [string, string]>,
  line: string,
  report: (fault: HeaderFault) => void,
): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).trim();
  const value = line.slice(colon + 1).trim();
  const key = toHeaderKey(name);
  const fault = findHeaderFault(name, value);
  if (fault) report(fault);
  // A guard that cannot be read must not open its path.
  if (fault?.closes) values.set(key, [name, CLOSED]);
  const before = values.get(key);
  if (fault || before?.[1] === CLOSED) return;
  const separator = key === BASIC_AUTH ? ' ' : ', ';
  values.set(key, before ? [before[0], `${before[1]}${separator}${value}`] : [name, value]);
}
