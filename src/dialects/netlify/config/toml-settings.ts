import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileFolder, IgnoredFile } from '../../../contract/dialect.ts';
import { isTable } from './config-values.ts';
import type { FoundValue, TomlPath } from './toml-locations.ts';
import { TOML_FILE, type TomlProblems } from './toml-problems.ts';

type Table = Readonly<Record<string, unknown>>;

/**
 * Frameworks with their own server build into this folder too; such a folder holds code that
 * must not be served.
 */
export const DIST = 'dist';

/** A folder, and the path of the setting that names it. */
type Found = { readonly path: TomlPath; readonly folder: string };

/** The folders of code. */
export interface NamedFolders {
  /** Folder of functions, relative to the site; undefined: the platform's default. */
  readonly functionsFolder?: string;
  /** The setting that names it. */
  readonly functionsBy?: FileFolder['namedBy'];
  /** Folder of edge functions, relative to the site; undefined: the platform's default. */
  readonly edgeFolder?: string;
  /** The setting that names it. */
  readonly edgeBy?: FileFolder['namedBy'];
}

/** The tables and folders of `netlify.toml` that apply here: those of the context, relative to the base. */
export class TomlSettings {
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

  /** The document, and the table of the context. */
  get tables(): readonly FoundValue[] {
    return [{ path: [], value: this.#document }, this.#find(this.#context)];
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

  /** The folder of functions. `[build] functions` is the older name of the setting. */
  async functionsFolder(root: string): Promise<Pick<NamedFolders, 'functionsFolder' | 'functionsBy'>> {
    const found = this.#firstFolder([
      ...this.#devPath('functions'),
      [...this.#context, 'functions', 'directory'],
      ['functions', 'directory'],
      ...this.#buildPaths('functions'),
    ]);
    if (found) return { functionsFolder: found.folder, functionsBy: this.#problems.origin(found.path) };
    const functionsFolder = await this.#defaultFunctions(root);
    return functionsFolder === undefined ? {} : { functionsFolder };
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
  async publishFolder(root: string): Promise<(Found & { readonly isUnbuilt: boolean }) | undefined> {
    const found = this.#firstFolder([...this.#devPath('publish'), ...this.#buildPaths('publish')]);
    if (!found) return undefined;
    const { folder, path } = found;
    if (folder === DIST) {
      const names = await readdir(join(root, DIST)).catch(() => undefined);
      if (names === undefined) {
        this.#problems.add(found.path, 'names dist, which does not exist: build the site first');
        return { folder, path, isUnbuilt: true };
      }
      if (!names.includes('index.html') && !names.includes('client')) {
        const message = 'names dist, which has no index.html: it is treated as compiled code and not served';
        this.#problems.add(found.path, message);
      }
    }
    return { folder, path, isUnbuilt: false };
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
  #firstFolder(paths: readonly (readonly string[])[], base = this.#base): Found | undefined {
    for (const wanted of paths) {
      const { path, value } = this.#find(wanted);
      // A table is another setting, as [context.production.functions]; an empty text is none, as on the platform.
      if (value === undefined || value === '' || isTable(value)) continue;
      const folder = this.#toFolder(path, value, base);
      return folder === undefined ? undefined : { path, folder };
    }
    return undefined;
  }

  /** Relative to `base`. A leading slash means the root of the site, as on the platform. */
  #toFolder(path: TomlPath, value: unknown, base: string): string | undefined {
    if (typeof value !== 'string') {
      this.#problems.add(path, `must be a folder of the site, got ${JSON.stringify(value)}; it is not used`);
      return undefined;
    }
    const folder = join(value.startsWith('/') ? '.' : base, value.replace(/^\/+/, '')).replace(/\/$/, '');
    if (folder !== '..' && !folder.startsWith('../')) return folder;
    this.#problems.add(path, `must be inside the site, got ${JSON.stringify(value)}; it is not used`, 'error');
    return undefined;
  }

  /** The folder of edge functions; undefined: the default, in the base. */
  edgeFolder(): Pick<NamedFolders, 'edgeFolder' | 'edgeBy'> {
    const found = this.#firstFolder([...this.#devPath('edgeFunctions'), ...this.#buildPaths('edge_functions')]);
    if (found) return { edgeFolder: found.folder, edgeBy: this.#problems.origin(found.path) };
    return this.#base === '.' ? {} : { edgeFolder: join(this.#base, 'netlify/edge-functions') };
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
