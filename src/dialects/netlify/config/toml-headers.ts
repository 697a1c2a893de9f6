import { nearestWord } from '../../../contract/nearest-word.ts';
import { didYouMean } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import { BASIC_AUTH, CLOSED, findHeaderFault, type HeaderRule, toHeaderKey } from './header-rule.ts';
import { TOP_KEYS } from './toml-keys.ts';
import type { FoundValue, TomlPath } from './toml-locations.ts';
import { TOML_FILE, type TomlProblems } from './toml-problems.ts';

/**
 * Reads the tables `[[headers]]` at `path`. Reports and omits what has the wrong type or cannot be sent. A `Basic-Auth` whose path or passwords cannot be read
 * closes its path, or all paths.
 */
export function toHeaders({ path, value: headers }: FoundValue, problems: TomlProblems): readonly HeaderRule[] {
  if (headers === undefined) return [];
  if (!Array.isArray(headers)) {
    const message = 'must be tables, written as [[headers]]';
    return refuse(path, message, { value: headers, from: EVERY_PATH, problems });
  }
  return headers.flatMap((table: unknown, index) => toRule(table, [...path, index], problems));
}

/** A `Basic-Auth` in any other table than `[[headers]]`: it is not known what it was meant for, so it closes all paths. */
export function toLostGuards({ path, value: table }: FoundValue, problems: TomlProblems): readonly HeaderRule[] {
  return Object.entries(isTable(table) ? table : {}).flatMap(([key, value]) => {
    if (/^(?:headers|context)$/i.test(key) || !hasGuard(value)) return [];
    const message = `has a Basic-Auth, which is read in [[headers]] alone${didYouMean(key, TOP_KEYS)}`;
    return refuse([...path, key], message, { value, from: EVERY_PATH, problems });
  });
}

const EVERY_PATH = '/*';

interface Refused {
  /** What is not used. */
  readonly value: unknown;
  /** The path that it is for. */
  readonly from: string;
  readonly problems: TomlProblems;
}

/** Reports headers that are not used. If they have a guard, returns a rule that closes its path. */
function refuse(path: TomlPath, message: string, { value, from, problems }: Refused): readonly HeaderRule[] {
  if (!hasGuard(value)) {
    problems.add(path, `${message}; the headers are not used`, 'error');
    return [];
  }
  const what = from === EVERY_PATH ? 'every path' : from;
  problems.add(path, `${message}; ${what} is closed, because of its Basic-Auth`, 'error');
  return [{ file: TOML_FILE, ...problems.lineOf(path), path: from, values: new Map([[BASIC_AUTH, ['', CLOSED]]]) }];
}

/** Whether a value has a `Basic-Auth`, at any depth and in most spellings. */
function hasGuard(value: unknown): boolean {
  if (typeof value === 'string') return /\bbasic[-_ ]?auth\b/i.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, each]) => toHeaderKey(key) === BASIC_AUTH || hasGuard(each));
}

function toRule(table: unknown, path: TomlPath, problems: TomlProblems): readonly HeaderRule[] {
  const { for: given, values = {}, ...others }: Readonly<Record<string, unknown>> = isTable(table) ? table : {};
  if (typeof given !== 'string' || given.trim() === '') {
    const slip = given === undefined && findSlip(others, 'for');
    const [at, message] = slip
      ? [[...path, slip], 'is no key of a header rule; did you mean for?']
      : [[...path, 'for'], 'must be a path'];
    return refuse(at, message, { value: table, from: EVERY_PATH, problems });
  }
  const from = given.trim();
  if (/^https?:\/\//.test(from)) {
    const message = `must be a path of the site, got ${JSON.stringify(from)}`;
    return refuse([...path, 'for'], message, { value: table, from: EVERY_PATH, problems });
  }
  if (!isTable(values)) return refuse([...path, 'values'], 'must be a table', { value: values, from, problems });
  const found = new Map<string, readonly [string, string]>();
  for (const [rawName, value] of Object.entries(values)) {
    const name = rawName.trim();
    const key = toHeaderKey(name);
    // A password may contain commas.
    const text = key === BASIC_AUTH && typeof value === 'string' ? value.trim() : toText(value);
    const fault = text === undefined ? toTypeFault(key) : findHeaderFault(name, text);
    if (fault) {
      const subject = text === undefined ? '' : 'cannot be used: ';
      problems.add([...path, 'values', rawName], `${subject}${fault.message}`, fault.severity);
    }
    if (!fault) found.set(key, [name, text ?? '']);
    // A guard that cannot be read must not open its path.
    else if (fault.closes) found.set(key, [name, CLOSED]);
  }
  const slip = findSlip(others, 'values');
  const [at, mistake] = slip ? [[...path, slip], 'is no key of a header rule; did you mean values?'] : [path];
  if (hasGuard(others)) {
    const what = mistake ?? 'has a Basic-Auth outside of [headers.values]';
    problems.add(at, `${what}; ${from} is closed${mistake ? ', because of its Basic-Auth' : ''}`, 'error');
    found.set(BASIC_AUTH, ['', CLOSED]);
  } else if (slip) problems.add(at, `${mistake}; the headers are not used`, 'error');
  else if (Object.keys(values).length === 0) problems.add(path, 'has no values: it sets no header', 'error');
  return found.size > 0 ? [{ file: TOML_FILE, ...problems.lineOf(path), path: from, values: found }] : [];
}

/** The key that most likely means `wanted`. */
function findSlip(table: object, wanted: string): string | undefined {
  return Object.keys(table).find((key) => nearestWord(key, [wanted]) !== undefined);
}

/** Of a value that is no text. */
function toTypeFault(key: string): ReturnType<typeof findHeaderFault> {
  const closes = key === BASIC_AUTH;
  const end = closes ? 'its path is closed' : 'it is not used';
  return { severity: 'error', message: `must be a text, or a list of texts; ${end}`, closes };
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
