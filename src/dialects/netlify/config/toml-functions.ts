import { matchesGlob } from 'node:path';
import { type ConfigValue, type ConfigValues, isTable, mergeValues } from './config-values.ts';
import type { TomlPath } from './toml-locations.ts';
import { TOML_FILE, type TomlProblems } from './toml-problems.ts';

/** What `netlify.toml` sets for the functions that a glob names. */
export interface FunctionSettings {
  /** For names of functions, e.g. `api_*`. */
  readonly glob: string;
  readonly values: ConfigValues;
}

/** Of the table `[functions]`: what stands in it is for all functions, tables in it are for those that their key names. */
export function toFunctionSettings(functions: unknown, complaints: TomlProblems): readonly FunctionSettings[] {
  if (functions === undefined) return [];
  if (!isTable(functions)) {
    complaints.add(['functions'], 'must be a table; it is not used');
    return [];
  }
  const globs = Object.entries(functions).filter(([, value]) => isTable(value));
  const toValues = (path: TomlPath, table: object): ConfigValues => {
    const entries = Object.entries(table).flatMap(([key, value]): [string, ConfigValue][] => {
      const name = KEYS.get(key);
      return name === undefined ? [] : [[name, { value, file: TOML_FILE, ...complaints.lineOf([...path, key]) }]];
    });
    return new Map(entries);
  };
  return [
    { glob: EVERY, values: toValues(['functions'], functions) },
    ...globs.map(([glob, table]) => ({ glob, values: toValues(['functions', glob], Object(table)) })),
  ];
}

/** What is set for the function of a name: the glob that says most of the name comes first. */
export function valuesFor(name: string, settings: readonly FunctionSettings[]): ConfigValues {
  const fitting = settings.filter(({ glob }) => matchesGlob(name, glob));
  return mergeValues(...fitting.sort((left, right) => weigh(left) - weigh(right)).map(({ values }) => values));
}

const EVERY = '*';

/** The keys that mean something here or would be missed, and their names in a function's source. The others are for the platform's builder. */
const KEYS: ReadonlyMap<string, string> = new Map([
  ...['schedule', 'background', 'timeout', 'memory', 'vcpu', 'region'].map((key) => [key, key] as const),
  ['external_node_modules', 'externalNodeModules'],
]);

/** How many characters of the name a glob says. Sorting is stable: of two that say as much, the later one counts. */
function weigh({ glob }: FunctionSettings): number {
  return glob.replaceAll('*', '').length;
}
