import { didYouMean } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import type { TomlPath } from './toml-locations.ts';
import type { TomlProblems } from './toml-problems.ts';

/** The keys of `[functions]`, and of the table of each function in it. */
export const FUNCTION_KEYS: readonly string[] = [
  ...['background', 'deno_import_map', 'external_node_modules', 'generator', 'ignored_node_modules', 'included_files'],
  ...['included_files_base_path', 'memory', 'name', 'node_bundler', 'node_version', 'region', 'schedule', 'timeout'],
  ...['vcpu'],
];

/** Those of `[build]`, which the platform also takes with a capital. */
const BUILD_KEYS: readonly string[] = [
  ...['base', 'command', 'edge_functions', 'edge_handlers', 'environment', 'functions', 'ignore', 'processing'],
  ...['publish', 'services'],
];

const TOP_KEYS: readonly string[] = [
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

/**
 * Complains of each key that the platform does not know, with the known one that is nearest. The platform passes over such a key without a word. In tables that are
 * read here every unknown key is told; elsewhere only one that is near to a known one, because what the platform adds there is of no concern.
 */
export function checkKeys(document: Readonly<Record<string, unknown>>, complaints: TomlProblems): void {
  const check = new KeyCheck(complaints);
  check.near([], document, TOP_KEYS);
  for (const key of ['build', 'Build']) check.all([key], document[key], BUILD_KEYS);
  check.near(['dev'], document.dev, DEV_KEYS);
  check.functions(document.functions);
  check.each(['headers'], document.headers, HEADER_KEYS);
  const { context } = document;
  for (const [name, table] of isTable(context) ? Object.entries(context) : []) {
    check.near(['context', name], table, CONTEXT_KEYS);
  }
}

class KeyCheck {
  readonly #complaints: TomlProblems;

  constructor(complaints: TomlProblems) {
    this.#complaints = complaints;
  }

  all(path: TomlPath, table: unknown, known: readonly string[]): void {
    for (const key of unknownKeys(table, known)) this.#complain([...path, key], didYouMean(key, known));
  }

  near(path: TomlPath, table: unknown, known: readonly string[]): void {
    for (const key of unknownKeys(table, known)) {
      const nearest = didYouMean(key, known);
      if (nearest !== '') this.#complain([...path, key], nearest);
    }
  }

  each(path: TomlPath, tables: unknown, known: readonly string[]): void {
    for (const [index, table] of Array.isArray(tables) ? tables.entries() : [])
      this.all([...path, index], table, known);
  }

  /** A table in it is for the functions that its key names. */
  functions(functions: unknown): void {
    if (!isTable(functions)) return;
    const entries = Object.entries(functions);
    const ofAll = Object.fromEntries(entries.filter(([, value]) => !isTable(value)));
    this.all(['functions'], ofAll, ['directory', ...FUNCTION_KEYS]);
    for (const [name, value] of entries) this.all(['functions', name], value, FUNCTION_KEYS);
  }

  #complain(path: TomlPath, nearest: string): void {
    this.#complaints.add(path, `is no key of netlify.toml and is not used${nearest}`);
  }
}

/** A first letter may be a capital, as in `[Build]` and `Publish`. */
function unknownKeys(table: unknown, known: readonly string[]): readonly string[] {
  if (!isTable(table)) return [];
  return Object.keys(table).filter((key) => !known.includes(key) && !known.includes(withSmallInitial(key)));
}

function withSmallInitial(key: string): string {
  return key.charAt(0).toLowerCase() + key.slice(1);
}
