import { nearestWord } from '../../../contract/nearest-word.ts';
import { didYouMean } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import type { FoundValue, TomlPath } from './toml-locations.ts';
import type { TomlProblems } from './toml-problems.ts';

/** A declaration of an edge function in `netlify.toml`, not yet validated. */
export interface TomlEdgeFunction {
  readonly values: Readonly<Record<string, unknown>>;
  readonly line?: number;
  /** The lines of its keys, as far as they are known. */
  readonly lines?: ReadonlyMap<string, number>;
}

/** The keys of `[[edge_functions]]`. */
const KEYS: readonly string[] = [
  ...['function', 'path', 'pattern', 'excludedPath', 'excludedPattern', 'method', 'header', 'cache', 'onError'],
  ...['name', 'generator'],
];

const LIMIT =
  'is no key of an edge function here: its limit is rateLimit in the config of its code; its paths answer 404';

/**
 * Reads the tables `[[edge_functions]]` at `path`, from top to bottom. Reports those without a function, and unknown keys. What names no function has none in its
 * values: it may have been meant as a guard, so its paths are closed.
 */
export function toEdgeFunctions({ path, value }: FoundValue, problems: TomlProblems): readonly TomlEdgeFunction[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    problems.add(path, 'must be tables, written as [[edge_functions]]; its paths answer 500', 'error');
    return [{ values: withoutFunction(value) }];
  }
  return value.map((table: unknown, index): TomlEdgeFunction => {
    const at = [...path, index];
    if (!isTable(table) || typeof table.function !== 'string' || table.function === '') {
      const slip = Object.keys(Object(table)).find((key) => nearestWord(key, ['function']) !== undefined);
      const hint = slip === undefined || slip === 'function' ? '' : ` (${slip} is no key; did you mean function?)`;
      problems.add(at, `must name its function${hint}; its paths answer 500`, 'error');
      return { values: withoutFunction(table), ...problems.lineOf(at), lines: linesOf(table, at, problems) };
    }
    for (const key of Object.keys(table).filter((each) => !KEYS.includes(each))) {
      if (nearestWord(key, ['rateLimit']) !== undefined) problems.add([...at, key], LIMIT, 'error');
      else problems.add([...at, key], `is no key that Netlify supports, and is not used${didYouMean(key, KEYS)}`);
    }
    return { values: table, ...problems.lineOf(at), lines: linesOf(table, at, problems) };
  });
}

/** Tables whose name means `edge_functions`: what they declare is not known, so each closes all paths. */
export function toMisspelt(
  document: Readonly<Record<string, unknown>>,
  problems: TomlProblems,
): readonly TomlEdgeFunction[] {
  const names = Object.keys(document).filter(
    (name) => /^edge[-_]?functions?$/i.test(name) && !/^edge_functions$/i.test(name),
  );
  for (const name of names)
    problems.add([name], 'must be written as [[edge_functions]]; every path answers 500', 'error');
  return names.map(() => ({ values: {} }));
}

function linesOf(table: unknown, path: TomlPath, problems: TomlProblems): ReadonlyMap<string, number> {
  return new Map(
    Object.keys(Object(table)).flatMap((key) => {
      const { line } = problems.lineOf([...path, key]);
      return line === undefined ? [] : [[key, line] as const];
    }),
  );
}

function withoutFunction(table: unknown): TomlEdgeFunction['values'] {
  const { function: _function, ...values } = isTable(table) ? table : {};
  return values;
}
