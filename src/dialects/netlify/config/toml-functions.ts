import { matchesGlob } from 'node:path';
import { didYouMean, type Problem } from '../../../contract/problem.ts';
import { type ConfigValue, type ConfigValues, isTable, mergeValues } from './config-values.ts';
import type { FoundValue, TomlPath } from './toml-locations.ts';
import { TOML_FILE, type TomlProblems } from './toml-problems.ts';

/** Settings of `netlify.toml` for the functions whose names match a glob. */
export interface FunctionSettings {
  /** Matches names of functions, e.g. `api_*`. */
  readonly glob: string;
  readonly values: ConfigValues;
  readonly line?: number;
}

/**
 * Reads the table `[functions]` at `path`. Its own keys apply to all functions. The keys of its
 * sub-tables are globs, and their settings apply to the functions that match.
 */
export function toFunctionSettings(
  { path: tablePath, value: functions }: FoundValue,
  problems: TomlProblems,
): readonly FunctionSettings[] {
  if (functions === undefined) return [];
  if (!isTable(functions)) {
    problems.add(tablePath, 'must be a table; it is not used');
    return [];
  }
  const globs = Object.entries(functions).filter(([, value]) => isTable(value));
  const toValues = (path: TomlPath, table: object): ConfigValues => {
    const entries = Object.entries(table).flatMap(([key, value]): [string, ConfigValue][] => {
      const name = KEYS.get(key);
      return name === undefined ? [] : [[name, { value, file: TOML_FILE, ...problems.lineOf([...path, key]) }]];
    });
    return new Map(entries);
  };
  return [
    { glob: EVERY, values: toValues(tablePath, functions) },
    ...globs.map(([glob, table]) => {
      const path = [...tablePath, glob];
      return { glob, values: toValues(path, Object(table)), ...problems.lineOf(path) };
    }),
  ];
}

/** The settings of the function `name`. The most specific glob has precedence. */
export function valuesFor(name: string, settings: readonly FunctionSettings[]): ConfigValues {
  const matching = settings.filter(({ glob }) => matchesGlob(name, glob));
  return mergeValues(
    ...matching.sort((left, right) => specificity(left) - specificity(right)).map(({ values }) => values),
  );
}

const EVERY = '*';

/** A warning for each table that names a function which is not there. A glob may be for later ones. */
export function findNameless(settings: readonly FunctionSettings[], names: readonly string[]): readonly Problem[] {
  return settings
    .filter(({ glob }) => /^[\w-]+$/.test(glob) && !names.includes(glob))
    .map(({ glob, line }) => {
      const message = `functions.${glob} names no function of the site and is not used${didYouMean(glob, names)}`;
      return { severity: 'warning', file: TOML_FILE, ...(line !== undefined && { line }), message };
    });
}

/**
 * The keys that nexthop uses or warns about, and their names in a function's source. All other keys
 * concern only the platform's builder.
 */
const KEYS: ReadonlyMap<string, string> = new Map([
  ...['schedule', 'background', 'timeout', 'memory', 'vcpu', 'region'].map((key) => [key, key] as const),
  ['external_node_modules', 'externalNodeModules'],
]);

/**
 * How specific a glob is: the number of its characters without stars. Sorting is stable, so of two
 * equally specific globs the later one has precedence.
 */
function specificity({ glob }: FunctionSettings): number {
  return glob.replaceAll('*', '').length;
}
