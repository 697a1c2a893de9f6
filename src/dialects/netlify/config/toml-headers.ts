import { isTable } from './config-values.ts';
import { BASIC_AUTH, findHeaderFault, type HeaderRule } from './header-rule.ts';
import type { FoundValue, TomlPath } from './toml-locations.ts';
import { TOML_FILE, type TomlProblems } from './toml-problems.ts';

/** Reads the tables `[[headers]]` at `path`. Reports and omits what has the wrong type or cannot be sent. */
export function toHeaders({ path, value: headers }: FoundValue, problems: TomlProblems): readonly HeaderRule[] {
  if (headers === undefined) return [];
  if (!Array.isArray(headers)) {
    problems.add(path, 'must be tables, written as [[headers]]; it is not used', 'error');
    return [];
  }
  return headers.flatMap((table: unknown, index) => toRule(table, [...path, index], problems));
}

function toRule(table: unknown, path: TomlPath, problems: TomlProblems): readonly HeaderRule[] {
  const { for: given, values = {} }: Readonly<Record<string, unknown>> = isTable(table) ? table : {};
  if (typeof given !== 'string' || given.trim() === '') {
    problems.add([...path, 'for'], 'must be a path; the headers are not used', 'error');
    return [];
  }
  if (!isTable(values)) {
    problems.add([...path, 'values'], 'must be a table; the headers are not used', 'error');
    return [];
  }
  const found = new Map<string, readonly [string, string]>();
  for (const [rawName, value] of Object.entries(values)) {
    const name = rawName.trim();
    const isGuard = name.toLowerCase() === BASIC_AUTH;
    // A password may contain commas.
    const text = isGuard && typeof value === 'string' ? value.trim() : toText(value);
    const fault = text === undefined ? 'must be a text, or a list of texts; it is not used' : toFault(name, text);
    if (fault !== undefined) problems.add([...path, 'values', rawName], fault, isGuard ? 'error' : 'warning');
    // A guard that cannot be read must not open its path.
    if (fault === undefined || isGuard) found.set(name.toLowerCase(), [name, text ?? '']);
  }
  return found.size > 0 ? [{ file: TOML_FILE, ...problems.lineOf(path), path: given.trim(), values: found }] : [];
}

function toFault(name: string, value: string): string | undefined {
  const fault = findHeaderFault(name, value);
  return fault === undefined ? undefined : `cannot be used: ${fault}`;
}

/** Lists, and texts with commas or over several lines, are one value with commas. */
function toText(value: unknown): string | undefined {
  if (typeof value === 'string')
    return value
      .trim()
      .split(/\s*,\s*/)
      .join(', ');
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) return undefined;
  return value.map((each) => each.trim()).join(', ');
}
