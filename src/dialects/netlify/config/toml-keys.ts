import { nearestWord } from '../../../contract/nearest-word.ts';
import { didYouMean, type Problem } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import type { TomlPath } from './toml-locations.ts';
import type { TomlProblems } from './toml-problems.ts';

/** The keys of `[functions]`, and of each of its sub-tables. */
export const FUNCTION_KEYS: readonly string[] = [
  ...['background', 'deno_import_map', 'external_node_modules', 'generator', 'ignored_node_modules', 'included_files'],
  ...['included_files_base_path', 'memory', 'name', 'node_bundler', 'node_version', 'region', 'schedule', 'timeout'],
  ...['vcpu'],
];

/** The keys of `[build]`, which the platform also accepts with a capital initial. */
const BUILD_KEYS: readonly string[] = [
  ...['base', 'command', 'edge_functions', 'edge_handlers', 'environment', 'functions', 'ignore', 'processing'],
  ...['publish', 'services'],
];

export const TOP_KEYS: readonly string[] = [
  ...['ai', 'build', 'context', 'database', 'dev', 'edge_functions', 'edge_handlers', 'functions', 'headers', 'images'],
  ...['integrations', 'plugins', 'redirects', 'settings', 'skew_protection', 'template'],
];

const CONTEXT_KEYS: readonly string[] = [...new Set([...BUILD_KEYS, ...TOP_KEYS])];

const DEV_KEYS: readonly string[] = [
  ...['autoLaunch', 'base', 'command', 'edgeFunctions', 'envFiles', 'framework', 'functions', 'functionsPort', 'host'],
  ...['https', 'jwtRolePath', 'jwtSecret', 'port', 'processing', 'publish', 'skipWaitPort', 'staticServerPort'],
  ...['targetPort'],
];

const HEADER_KEYS: readonly string[] = ['for', 'values'];

/** The tables of which a file may have several, each with two brackets. */
export const LISTS: readonly string[] = ['redirects', 'headers', 'edge_functions', 'plugins', 'integrations'];

/** Those that concern only the platform. */
const UNUSED_LISTS: readonly string[] = ['plugins', 'integrations'];

/** The tables with rules, which are not used below a misspelt key. */
const RULES: readonly string[] = ['redirects', 'headers'];

/**
 * Reports each key that the platform does not support, with the nearest supported key. The platform
 * ignores such a key silently. In tables that nexthop reads, every unknown key is reported;
 * elsewhere only a key that resembles a known one, because the platform may add keys there that do
 * not concern nexthop.
 */
export function checkKeys(document: Readonly<Record<string, unknown>>, problems: TomlProblems): void {
  const check = new KeyCheck(problems);
  check.similarKeys([], document, TOP_KEYS);
  for (const key of ['build', 'Build']) check.allKeys([key], document[key], BUILD_KEYS);
  check.similarKeys(['dev'], document.dev, DEV_KEYS);
  check.functionKeys(document.functions);
  for (const key of UNUSED_LISTS) check.list([key], document[key]);
  check.keysOfEach(['headers'], document.headers, HEADER_KEYS);
  const { context } = document;
  for (const [name, table] of isTable(context) ? Object.entries(context) : []) {
    check.similarKeys(['context', name], table, CONTEXT_KEYS);
  }
}

class KeyCheck {
  readonly #problems: TomlProblems;

  constructor(problems: TomlProblems) {
    this.#problems = problems;
  }

  allKeys(path: TomlPath, table: unknown, known: readonly string[]): void {
    for (const key of unknownKeys(table, known)) this.#report([...path, key], didYouMean(key, known));
  }

  similarKeys(path: TomlPath, table: unknown, known: readonly string[]): void {
    for (const key of unknownKeys(table, known)) {
      const nearest = nearestWord(key, known);
      if (nearest === undefined) continue;
      const isOfRules = isTable(table) && RULES.includes(nearest) && typeof table[key] === 'object';
      this.#report([...path, key], didYouMean(key, known), isOfRules ? 'error' : 'warning');
    }
  }

  keysOfEach(path: TomlPath, tables: unknown, known: readonly string[]): void {
    for (const [index, table] of Array.isArray(tables) ? tables.entries() : [])
      this.allKeys([...path, index], table, known);
  }

  list(path: TomlPath, value: unknown): void {
    if (isTable(value)) this.#problems.add(path, `must be tables, written as [[${path.at(-1)}]]; Netlify refuses it`);
  }

  /** A sub-table holds settings of the functions that match its key. */
  functionKeys(functions: unknown): void {
    if (!isTable(functions)) return;
    const entries = Object.entries(functions);
    const ofAll = Object.fromEntries(entries.filter(([, value]) => !isTable(value)));
    this.allKeys(['functions'], ofAll, ['directory', ...FUNCTION_KEYS]);
    for (const [name, value] of entries) this.allKeys(['functions', name], value, FUNCTION_KEYS);
  }

  /** Some of these keys are reported with what they do to guards. */
  #report(path: TomlPath, nearest: string, severity: Problem['severity'] = 'warning'): void {
    if (!this.#problems.has(path))
      this.#problems.add(path, `is no key of netlify.toml and is not used${nearest}`, severity);
  }
}

/** The initial may be a capital, as in `[Build]` and `Publish`. */
function unknownKeys(table: unknown, known: readonly string[]): readonly string[] {
  if (!isTable(table)) return [];
  return Object.keys(table).filter((key) => !known.includes(key) && !known.includes(withSmallInitial(key)));
}

function withSmallInitial(key: string): string {
  return key.charAt(0).toLowerCase() + key.slice(1);
}
