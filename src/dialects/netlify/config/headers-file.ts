import type { Problem } from '../../../contract/problem.ts';
import { BASIC_AUTH, findHeaderFault, type HeaderRule } from './header-rule.ts';

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
  for (const [index, each] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = each.trim();
    if (line === '' || line.startsWith('#')) continue;
    const place = { file, line: index + 1 };
    const report = (message: string): void => void problems.push({ severity: 'warning', ...place, message });
    const rule = rules.at(-1);
    if (line.startsWith('/')) rules.push({ ...place, path: line, values: new Map() });
    else if (!line.includes(':')) report('is no header: it must be "Name: value"; it is not used');
    else if (!rule) report('must stand below the path that it is for; it is not used');
    else addHeader(rule.values, line, report);
  }
  return { rules: rules.filter(({ values }) => values.size > 0), problems };
}

function addHeader(
  values: Map<string, readonly [string, string]>,
  line: string,
  report: (message: string) => void,
): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).trim();
  const value = line.slice(colon + 1).trim();
  const key = name.toLowerCase();
  const fault =
    value === '' ? `the header ${JSON.stringify(name)} has no value; it is not used` : findHeaderFault(name, value);
  if (fault !== undefined) report(fault);
  // A guard that cannot be read must not open its path.
  if (fault !== undefined && key !== BASIC_AUTH) return;
  const before = values.get(key);
  const separator = key === BASIC_AUTH ? ' ' : ', ';
  values.set(key, before ? [before[0], `${before[1]}${separator}${value}`] : [name, value]);
}
