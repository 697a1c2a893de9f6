import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { IgnoredFile } from '../../../contract/dialect.ts';
import { messageOf } from '../../../contract/error-message.ts';
import type { Problem } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import type { HeaderRule } from './header-rule.ts';
import type { RedirectRule } from './redirect-rule.ts';
import { type TomlEdgeFunction, toEdgeFunctions } from './toml-edge-functions.ts';
import { type FunctionSettings, toFunctionSettings } from './toml-functions.ts';
import { toHeaders } from './toml-headers.ts';
import { toRemoteImages } from './toml-images.ts';
import { checkKeys } from './toml-keys.ts';
import type { FoundValue, TomlPath } from './toml-locations.ts';
import { TOML_FILE, TomlProblems } from './toml-problems.ts';
import { toRedirects } from './toml-redirects.ts';

/** The parts of `netlify.toml` that nexthop uses. */
export interface NetlifyToml {
  /** Folder of functions, relative to the site; undefined: the platform's default. */
  readonly functionsFolder?: string;
  readonly settings: readonly FunctionSettings[];
  /** In the order of the file: the first that matches is used. */
  readonly redirects: readonly RedirectRule[];
  /** Folder of edge functions, relative to the site; undefined: the platform's default. */
  readonly edgeFolder?: string;
  /** In the order of the file. */
  readonly edgeFunctions: readonly TomlEdgeFunction[];
  /** The import map of edge functions, relative to the site. */
  readonly importMap?: string;
  /** In the order of the file: later ones replace. */
  readonly headers: readonly HeaderRule[];
  /** Match URLs of images of other hosts; sticky. */
  readonly remoteImages: readonly RegExp[];
  /** Folder of files, relative to the site. */
  readonly publish?: string;
  /** `publish` names `dist`, which does not exist. */
  readonly isUnbuilt?: true;
  /** The folder that holds the site's sources, relative to the site; '.' for the site itself. */
  readonly base: string;
  /** Tables that do not apply here, each with the reason. */
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
}

/**
 * Reads `netlify.toml` of the site in `root`. A site without one gets empty settings. Never rejects
 * because of the file's content: each mistake becomes a problem with its line.
 */
export async function readNetlifyToml(root: string, isDev: boolean): Promise<NetlifyToml> {
  let text: string;
  try {
    text = await readFile(join(root, TOML_FILE), 'utf8');
  } catch (error) {
    return isMissing(error) ? NO_TOML : withError(`cannot be read: ${messageOf(error)}`);
  }
  // Imported only here: a site without this file needs no parser.
  const { parse, TomlError } = await import('smol-toml');
  try {
    const plain = text.replace(/^\uFEFF/, '');
    return await check(parse(plain), { text: plain, root, isDev });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The further lines of the message show the location, which the problem has already.
    const [message = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    return withError(`is not valid TOML: ${message}; the whole file is ignored`, {
      line: error.line,
      column: error.column,
    });
  }
}

/** Of a site without the file. */
export const NO_TOML: NetlifyToml = {
  ...{ settings: [], edgeFunctions: [], redirects: [], headers: [], remoteImages: [] },
  ...{ base: '.', ignored: [], problems: [] },
};

function withError(message: string, location: { readonly line?: number; readonly column?: number } = {}): NetlifyToml {
  return { ...NO_TOML, problems: [{ severity: 'error', file: TOML_FILE, ...location, message }] };
}

type Table = Readonly<Record<string, unknown>>;

interface Surroundings {
  readonly text: string;
  readonly root: string;
  readonly isDev: boolean;
}

async function check(document: Table, { text, root, isDev }: Surroundings): Promise<NetlifyToml> {
  const problems = new TomlProblems(text);
  const reader = new Reader(document, problems, isDev);
  checkKeys(document, problems);
  const edgeFolder = reader.edgeFolder();
  const functionsFolder = await reader.functionsFolder(root);
  const publish = await reader.publishFolder(root);
  await reader.checkBase(root);
  return {
    ...(functionsFolder !== undefined && { functionsFolder }),
    ...(edgeFolder !== undefined && { edgeFolder }),
    ...reader.importMap(),
    ...(publish && { publish: publish.folder }),
    ...(publish?.isUnbuilt && { isUnbuilt: true }),
    base: reader.base,
    // Of two settings of one glob the later one counts: those of the context.
    settings: reader.all('functions').flatMap((found) => toFunctionSettings(found, problems)),
    edgeFunctions: toEdgeFunctions(reader.last('edge_functions'), problems),
    redirects: toRedirects(reader.last('redirects'), problems),
    headers: toHeaders(reader.last('headers'), problems),
    remoteImages: toRemoteImages(reader.last('images'), problems),
    ignored: reader.ignored,
    problems: problems.list,
  };
}

/**
 * Frameworks with their own server build into this folder too; such a folder holds code that
 * must not be served.
 */
export const DIST = 'dist';

class Reader {
  readonly #document: Table;
  readonly #problems: TomlProblems;
  readonly #isDev: boolean;
  /** The path of the context that applies: production unless DEV is set. */
  readonly #context: readonly [string, string];
  /** The folder to which the others are relative. '.': the site itself. */
  readonly #base: string;

  constructor(document: Table, problems: TomlProblems, isDev: boolean) {
    this.#document = document;
    this.#problems = problems;
    this.#isDev = isDev;
    this.#context = ['context', isDev ? 'dev' : 'production'];
    this.#base = this.#firstFolder(this.#buildPaths('base'), '.')?.folder ?? '.';
  }

  get base(): string {
    return this.#base;
  }

  /** Reports a file in the base folder, which the platform reads instead of this one. */
  async checkBase(root: string): Promise<void> {
    if (this.#base === '.') return;
    const file = join(this.#base, TOML_FILE);
    if (!(await stat(join(root, file)).catch(() => undefined))) return;
    this.#problems.add(['build', 'base'], `has a ${file}, which is not read: move its settings here`);
  }

  /** The tables at a key of the document and of the context. */
  all(key: string): readonly FoundValue[] {
    const ofContext = this.#find([...this.#context, key]);
    // A text is another setting: `functions = "folder"` of a context is one of [build].
    const isSet = typeof ofContext.value === 'object';
    return [this.#find([key]), ...(isSet ? [ofContext] : [])];
  }

  /** As `all`, for lists: the list of the context replaces the other one, as on the platform. */
  last(key: string): FoundValue {
    const [general = this.#find([key]), ofContext] = this.all(key);
    if (ofContext && Array.isArray(general.value) && general.value.length > 0) {
      this.#problems.add(
        ofContext.path,
        `replaces all [[${key}]], as on the platform: repeat those that must hold here`,
      );
    }
    return ofContext ?? general;
  }

  /**
   * The folder of functions. `[build] functions` is the older name of the setting. Reports a folder
   * that does not exist.
   */
  async functionsFolder(root: string): Promise<string | undefined> {
    const found = this.#firstFolder([
      ...this.#devPath('functions'),
      [...this.#context, 'functions', 'directory'],
      ['functions', 'directory'],
      ...this.#buildPaths('functions'),
    ]);
    if (!found) return this.#defaultFunctions(root);
    const stats = await stat(join(root, found.folder)).catch(() => undefined);
    if (!stats?.isDirectory()) this.#problems.add(found.path, 'is no folder of the site: there are no functions');
    return found.folder;
  }

  /** Undefined: the general rule for functions of the site applies. */
  async #defaultFunctions(root: string): Promise<string | undefined> {
    const folder = join(this.#base, 'netlify/functions');
    const stats = this.#base === '.' ? undefined : await stat(join(root, folder)).catch(() => undefined);
    return stats?.isDirectory() ? folder : undefined;
  }

  /**
   * The folder of files. Reports when files of `dist` will not be served although the file names
   * it: for `dist` the rule for sites without `publish` decides.
   */
  async publishFolder(root: string): Promise<{ readonly folder: string; readonly isUnbuilt: boolean } | undefined> {
    const found = this.#firstFolder([...this.#devPath('publish'), ...this.#buildPaths('publish')]);
    if (!found) return undefined;
    const { folder } = found;
    if (folder === DIST) {
      const names = await readdir(join(root, DIST)).catch(() => undefined);
      if (names === undefined) {
        this.#problems.add(found.path, 'names dist, which does not exist: build the site first');
        return { folder, isUnbuilt: true };
      }
      if (!names.includes('index.html') && !names.includes('client')) {
        const message = 'names dist, which has no index.html: it is treated as compiled code and not served';
        this.#problems.add(found.path, message);
      }
    }
    return { folder, isUnbuilt: false };
  }

  /** `[dev]` applies to development only. */
  #devPath(key: string): readonly (readonly string[])[] {
    return this.#isDev ? [['dev', key]] : [];
  }

  /** The paths of a setting of `[build]`, the context's first. */
  #buildPaths(key: string): readonly (readonly string[])[] {
    return [
      [...this.#context, key],
      [...this.#context, 'build', key],
      ['build', key],
    ];
  }

  /** The folder at the first of these paths that is set. */
  #firstFolder(
    paths: readonly (readonly string[])[],
    base = this.#base,
  ): { readonly path: TomlPath; readonly folder: string } | undefined {
    for (const wanted of paths) {
      const { path, value } = this.#find(wanted);
      // A table of that name is another setting, such as [context.production.functions].
      if (value === undefined || isTable(value)) continue;
      const folder = this.#toFolder(path, value, base);
      return folder === undefined ? undefined : { path, folder };
    }
    return undefined;
  }

  /** Relative to `base`. A leading slash means the root of the site, as on the platform. */
  #toFolder(path: TomlPath, value: unknown, base: string): string | undefined {
    if (typeof value !== 'string' || value === '') {
      this.#problems.add(path, `must be a folder of the site, got ${JSON.stringify(value)}; it is not used`);
      return undefined;
    }
    const folder = join(value.startsWith('/') ? '.' : base, value.replace(/^\/+/, '')).replace(/\/$/, '');
    if (folder !== '..' && !folder.startsWith('../')) return folder;
    this.#problems.add(path, `must be inside the site, got ${JSON.stringify(value)}; it is not used`, 'error');
    return undefined;
  }

  /** The folder of edge functions; undefined: the default, in the base. */
  edgeFolder(): string | undefined {
    const found = this.#firstFolder([...this.#devPath('edgeFunctions'), ...this.#buildPaths('edge_functions')]);
    return found?.folder ?? (this.#base === '.' ? undefined : join(this.#base, 'netlify/edge-functions'));
  }

  importMap(): { readonly importMap?: string } {
    const found = this.#firstFolder([['functions', 'deno_import_map']]);
    return found ? { importMap: found.folder } : {};
  }

  /** Tables for other contexts than the one of this process. */
  get ignored(): readonly IgnoredFile[] {
    const [, current] = this.#context;
    const { context, dev } = this.#document;
    const others = Object.keys(isTable(context) ? context : {}).filter((name) => name !== current);
    const reasons = others.map((name) => `[context.${name}] is not used: the context here is ${current}`);
    if (isTable(dev) && !this.#isDev) reasons.unshift('[dev] is not used: it applies with DEV=1');
    return reasons.map((reason) => ({ file: TOML_FILE, reason }));
  }

  /**
   * The value at a path, and the path as it is written in the file: the platform also accepts
   * `[Build]` and `Publish`.
   */
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
