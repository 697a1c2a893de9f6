import { didYouMean } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import type { FoundValue } from './toml-locations.ts';
import type { TomlProblems } from './toml-problems.ts';

/** A declaration of an edge function in `netlify.toml`, not yet validated. */
export interface TomlEdgeFunction {
  readonly values: Readonly<Record<string, unknown>>;
  readonly line?: number;
}

/** The keys of `[[edge_functions]]`. */
const KEYS: readonly string[] = [
  ...['function', 'path', 'pattern', 'excludedPath', 'excludedPattern', 'method', 'header', 'cache', 'onError'],
  ...['name', 'generator'],
];

/** Reads the tables `[[edge_functions]]` at `path`, from top to bottom. Reports those without a function, and unknown keys. */
export function toEdgeFunctions({ path, value }: FoundValue, problems: TomlProblems): readonly TomlEdgeFunction[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    problems.add(path, 'must be tables, written as [[edge_functions]]; it is not used', 'error');
    return [];
  }
  return value.flatMap((table: unknown, index): readonly TomlEdgeFunction[] => {
    const at = [...path, index];
    if (!isTable(table) || typeof table.function !== 'string' || table.function === '') {
      problems.add(at, 'must name its function; it is not used', 'error');
      return [];
    }
    for (const key of Object.keys(table).filter((each) => !KEYS.includes(each))) {
      problems.add([...at, key], `is no key that Netlify supports${didYouMean(key, KEYS)}`);
    }
    return [{ values: table, ...problems.lineOf(at) }];
  });
}
