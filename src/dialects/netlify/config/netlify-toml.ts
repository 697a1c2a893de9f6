import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import { type FunctionSettings, toFunctionSettings } from './toml-functions.ts';
import { checkKeys } from './toml-keys.ts';
import type { TomlPath } from './toml-locations.ts';
import { TOML_FILE, TomlProblems } from './toml-problems.ts';
import { type TomlRedirect, toRedirects } from './toml-redirects.ts';

/** What `netlify.toml` says, as far as it concerns a site that is served here. */
export interface NetlifyToml {
  /** Folder of functions, relative to the site; undefined: the platform's default. */
  readonly functionsFolder?: string;
  readonly settings: readonly FunctionSettings[];
  /** In the order of the file, by which the first that fits counts. */
  readonly redirects: readonly TomlRedirect[];
  /** Folder of files, relative to the site. */
  readonly publish?: string;
  readonly problems: readonly Problem[];
}

/** Reads the site's `netlify.toml`; a site without one gets an empty one. Never rejects for what stands in it: each mistake is a problem with its line. */
export async function readNetlifyToml(root: string, isDev: boolean): Promise<NetlifyToml> {
  let text: string;
  try {
    text = await readFile(join(root, TOML_FILE), 'utf8');
  } catch (error) {
    return isMissing(error) ? NOTHING : withError(`cannot be read: ${messageOf(error)}`);
  }
  // Only now: a site without this file needs no parser.
  const { parse, TomlError } = await import('smol-toml');
  try {
    const plain = text.replace(/^\uFEFF/, '');
    return await check(parse(plain), { text: plain, root, isDev });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // What follows the first line shows the place, which people are told anyway.
    const [message = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    return withError(`is no TOML: ${message}; nothing of it is used`, { line: error.line, column: error.column });
  }
}

const NOTHING: NetlifyToml = { settings: [], redirects: [], problems: [] };

function withError(message: string, place: { readonly line?: number; readonly column?: number } = {}): NetlifyToml {
  return { ...NOTHING, problems: [{ severity: 'error', file: TOML_FILE, ...place, message }] };
}

type Table = Readonly<Record<string, unknown>>;

interface Surroundings {
  readonly text: string;
  readonly root: string;
  readonly isDev: boolean;
}

async function check(document: Table, { text, root, isDev }: Surroundings): Promise<NetlifyToml> {
  const complaints = new TomlProblems(text);
  const reader = new Reader(document, complaints, isDev);
  checkKeys(document, complaints);
  reader.warnOfOthers();
  const functionsFolder = await reader.functionsFolder(root);
  const publish = await reader.publishFolder(root);
  return {
    ...(functionsFolder !== undefined && { functionsFolder }),
    ...(publish !== undefined && { publish }),
    settings: toFunctionSettings(document.functions, complaints),
    redirects: toRedirects(document.redirects, complaints),
    problems: complaints.problems,
  };
}

/** What is built there for another server than Netlify's has code in it that is not for the web. */
export const DIST = 'dist';

/** Lists of tables that may be what guards the site. */
const UNREAD = [
  ['headers', 'is not used: what it sets is not set here, and a Basic-Auth among them guards nothing'],
  ['edge_functions', 'is not used: edge functions run on Deno and not here'],
] as const;

class Reader {
  readonly #document: Table;
  readonly #complaints: TomlProblems;
  readonly #isDev: boolean;

  constructor(document: Table, complaints: TomlProblems, isDev: boolean) {
    this.#document = document;
    this.#complaints = complaints;
    this.#isDev = isDev;
  }

  /** `[build] functions` is the name that the setting had before. Complains of a folder that is not there. */
  async functionsFolder(root: string): Promise<string | undefined> {
    const found = this.#firstFolder([
      ...this.#devPath('functions'),
      ['functions', 'directory'],
      ...this.#buildPaths('functions'),
    ]);
    if (!found) return undefined;
    const stats = await stat(join(root, found.folder)).catch(() => undefined);
    if (!stats?.isDirectory()) this.#complaints.add(found.path, 'is no folder of the site: there are no functions');
    return found.folder;
  }

  /** Complains where files of `dist` will not be served as the file says: whether they are is left to the rule for sites that name no folder. */
  async publishFolder(root: string): Promise<string | undefined> {
    const found = this.#firstFolder([...this.#devPath('publish'), ...this.#buildPaths('publish')]);
    if (found?.folder === DIST) {
      const names = await readdir(join(root, DIST)).catch(() => undefined);
      if (names === undefined)
        this.#complaints.add(found.path, 'names dist, which does not exist: build the site first');
      else if (!names.includes('index.html') && !names.includes('client')) {
        const message = 'names dist, which has no index.html: it is taken for compiled code and not served';
        this.#complaints.add(found.path, message);
      }
    }
    return found?.folder;
  }

  /** `[dev]` is for development alone. */
  #devPath(key: string): readonly (readonly string[])[] {
    return this.#isDev ? [['dev', key]] : [];
  }

  /** Where a setting of `[build]` may stand; that of the context comes first. A site is in production here unless DEV is set. */
  #buildPaths(key: string): readonly (readonly string[])[] {
    const context = ['context', this.#isDev ? 'dev' : 'production'];
    return [
      [...context, key],
      [...context, 'build', key],
      ['build', key],
    ];
  }

  /** Of the first of these paths that is set. */
  #firstFolder(
    paths: readonly (readonly string[])[],
  ): { readonly path: TomlPath; readonly folder: string } | undefined {
    for (const wanted of paths) {
      const { path, value } = this.#find(wanted);
      // Tables of that name are something else, such as [context.production.functions].
      if (value === undefined || isTable(value)) continue;
      const folder = this.#toFolder(path, value);
      return folder === undefined ? undefined : { path, folder };
    }
    return undefined;
  }

  /** A leading slash means the folder of the site, as on the platform. */
  #toFolder(path: TomlPath, value: unknown): string | undefined {
    if (typeof value !== 'string' || value === '') {
      this.#complaints.add(path, `must be a folder of the site, got ${JSON.stringify(value)}; it is not used`);
      return undefined;
    }
    const folder = join('.', value.replace(/^\/+/, '')).replace(/\/$/, '');
    if (folder !== '..' && !folder.startsWith('../')) return folder;
    this.#complaints.add(path, `must stand in the site, got ${JSON.stringify(value)}; it is not used`, 'error');
    return undefined;
  }

  /** What decides on the platform where and what is served, and is not followed here. */
  warnOfOthers(): void {
    const base = this.#find(['build', 'base']);
    if (typeof base.value === 'string' && join('.', base.value.replace(/^\/+/, ''), '/') !== './') {
      this.#complaints.add(base.path, `is not followed: serve ${JSON.stringify(base.value)} as the site`);
    }
    for (const [key, message] of UNREAD) {
      if (key in this.#document) this.#complaints.add([key, 0], message);
    }
    const { context } = this.#document;
    if (!isTable(context)) return;
    for (const [name, settings] of Object.entries(context)) {
      for (const key of ['functions', 'redirects']) {
        if (isTable(settings) && typeof settings[key] === 'object') {
          this.#complaints.add(['context', name, key], 'is not used: settings of contexts are not read here');
        }
      }
    }
  }

  /** The value at a path, and the path as it is written: the platform also takes `[Build]` and `Publish`. */
  #find(wanted: readonly string[]): { readonly path: TomlPath; readonly value: unknown } {
    const path: string[] = [];
    let value: unknown = this.#document;
    for (const key of wanted) {
      const table: Table = isTable(value) ? value : {};
      const capital = key.charAt(0).toUpperCase() + key.slice(1);
      path.push(key in table || !(capital in table) ? key : capital);
      value = table[path.at(-1) ?? key];
    }
    return { path, value };
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
