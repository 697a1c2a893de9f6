import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, posix } from 'node:path';
import type { Loader, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild';
import type { Vendored } from '../../contract/dialect.ts';
import { makeFolder } from '../../process/make-folder.ts';
import { withEsbuild } from './esbuild-service.ts';
import { type FetchedModule, fetchModule } from './fetch-module.ts';
import { applyMap, type ImportRules } from './import-rules.ts';
import { LOCK_FILE, type Lock, type LockedModule, readLock, toSum, VENDOR_FOLDER } from './vendored-modules.ts';

export interface VendorParts {
  /** Absolute path of the site. */
  readonly root: string;
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly imports: ImportRules;
}

const NAMESPACE = 'vendored';
const URL_SCHEME = /^https?:\/\//;
const WASM = /\bnew URL\(\s*(["'`])([^"'`$]+\.wasm)\1\s*,\s*import\.meta\.url\s*\)/g;
const OTHER_SCHEME = /^(?:npm|jsr|node):/;

/**
 * Fetches the modules of URLs that the files import, with all that these import, and writes them and the lock file. A module that the lock file has and that is in the
 * folder is not fetched again. Nothing is written if one cannot be fetched.
 */
export async function vendor(parts: VendorParts): Promise<Vendored> {
  const run = new Vendoring(parts);
  await run.prepare();
  return run.run();
}

class Vendoring {
  readonly #parts: VendorParts;
  readonly #folder: string;
  readonly #modules = new Map<string, FetchedModule>();
  readonly #redirects = new Map<string, string>();
  readonly #fetched = new Map<string, Promise<FetchedModule>>();
  readonly #mistakes: string[] = [];
  #before: Lock = { version: 1, modules: {} };
  #denoSums: Readonly<Record<string, unknown>> = {};

  constructor(parts: VendorParts) {
    this.#parts = parts;
    this.#folder = join(parts.root, VENDOR_FOLDER);
  }

  async prepare(): Promise<void> {
    const lock = readLock(join(this.#folder, LOCK_FILE));
    if (typeof lock === 'string') this.#mistakes.push(`${VENDOR_FOLDER}/${LOCK_FILE} ${lock}`);
    else this.#before = lock;
    const text = await readFile(join(this.#parts.root, 'deno.lock'), 'utf8').catch(() => '{}');
    try {
      const { remote } = JSON.parse(text) as { readonly remote?: unknown }; // checked below
      if (typeof remote === 'object' && remote !== null) this.#denoSums = remote as Readonly<Record<string, unknown>>;
    } catch {
      this.#mistakes.push('deno.lock is not JSON');
    }
  }

  async run(): Promise<Vendored> {
    const { root, files } = this.#parts;
    if (this.#mistakes.length === 0) {
      await withEsbuild(async ({ build }) => {
        const options = { bundle: true, write: false, outdir: root, format: 'esm', platform: 'node' } as const;
        const plugins = [this.#plugin];
        const ran = build({ ...options, entryPoints: [...files], packages: 'external', logLevel: 'silent', plugins });
        await ran.catch((error: { readonly errors?: readonly { readonly text: string }[] }) => {
          if (this.#mistakes.length === 0) this.#mistakes.push(...(error.errors ?? []).map(({ text }) => text));
        });
      });
    }
    const urls = [...this.#modules.keys()].sort();
    if (this.#mistakes.length === 0) await this.#write(urls);
    return { folder: VENDOR_FOLDER, urls, mistakes: [...new Set(this.#mistakes)] };
  }

  get #plugin(): Plugin {
    return {
      name: 'vendor',
      setup: (build) => {
        build.onResolve({ filter: /./ }, (args) => (args.kind === 'entry-point' ? undefined : this.#resolve(args)));
        build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ path }) => this.#load(path));
      },
    };
  }

  async #resolve({ path, importer, namespace }: OnResolveArgs): Promise<OnResolveResult | undefined> {
    const { map, isTypes } = this.#parts.imports;
    const mapped = applyMap(map, path);
    const isRelative = namespace === NAMESPACE && /^\.{0,2}\//.test(mapped);
    const specifier = isRelative ? new URL(mapped, importer).href : mapped;
    if (isTypes(specifier) || OTHER_SCHEME.test(specifier)) return { path: specifier, external: true };
    if (URL_SCHEME.test(specifier)) return this.#fetch(specifier);
    if (isAbsolute(specifier) && specifier !== path) return { path: specifier };
    return namespace === NAMESPACE ? { path: specifier, external: true } : undefined;
  }

  async #fetch(url: string): Promise<OnResolveResult> {
    try {
      const known = this.#fetched.get(url) ?? this.#get(url);
      this.#fetched.set(url, known);
      const module = await known;
      if (module.url !== url) this.#redirects.set(url, module.url);
      if (!this.#modules.has(module.url)) {
        this.#modules.set(module.url, module);
        await this.#fetchWasm(module);
      }
      return { path: module.url, namespace: NAMESPACE };
    } catch (error) {
      this.#mistakes.push(`${url} ${error instanceof Error ? error.message : error}`);
      return { path: url, external: true };
    }
  }

  /** WebAssembly that a module reads from beside it while it runs. It is stored where the module looks for it. */
  async #fetchWasm({ url, file, content }: FetchedModule): Promise<void> {
    for (const [, , name = ''] of content.toString().matchAll(WASM)) {
      const beside = posix.join(posix.dirname(file), name);
      if (URL_SCHEME.test(name) || name.startsWith('/') || beside.startsWith('..')) continue;
      const { href } = new URL(name, url);
      const { content: wasm } = await this.#get(href);
      this.#modules.set(href, { url: href, file: beside, content: wasm });
    }
  }

  async #get(url: string): Promise<FetchedModule> {
    const { modules } = this.#before;
    const found = modules[url];
    const at = typeof found === 'string' ? found : url;
    const locked = modules[at];
    if (typeof locked === 'object') {
      const content = await readFile(join(this.#folder, locked.file)).catch(() => undefined);
      if (content && toSum(content) === locked.sha256) return { url: at, file: locked.file, content };
    }
    const module = await fetchModule(url);
    if (typeof locked === 'object' && toSum(module.content) !== locked.sha256) {
      throw new Error(
        `has another content than ${VENDOR_FOLDER}/${LOCK_FILE} names; delete its line there to accept it`,
      );
    }
    const { [module.url]: sum } = this.#denoSums;
    if (typeof sum === 'string' && Buffer.from(toSum(module.content), 'base64').toString('hex') !== sum) {
      throw new Error('has another content than deno.lock names');
    }
    return module;
  }

  #load(url: string): OnLoadResult {
    const module = this.#modules.get(url);
    return { contents: module?.content ?? '', loader: LOADERS[/\.\w+$/.exec(module?.file ?? '')?.[0] ?? ''] ?? 'js' };
  }

  async #write(urls: readonly string[]): Promise<void> {
    if (urls.length === 0 && Object.keys(this.#before.modules).length === 0) return;
    const modules: Record<string, LockedModule | string> = {};
    for (const url of urls) {
      const { file, content } = this.#modules.get(url) as FetchedModule; // its keys
      modules[url] = { file, sha256: toSum(content) };
      makeFolder(dirname(join(this.#folder, file)));
      await writeFile(join(this.#folder, file), content);
    }
    for (const [url, to] of [...this.#redirects].sort()) modules[url] = to;
    const used = new Set(urls.map((url) => this.#modules.get(url)?.file));
    for (const module of Object.values(this.#before.modules)) {
      if (typeof module === 'object' && !used.has(module.file))
        await rm(join(this.#folder, module.file), { force: true });
    }
    const lock: Lock = { version: 1, modules };
    await writeFile(join(this.#folder, LOCK_FILE), `${JSON.stringify(lock, undefined, 2)}\n`);
  }
}

const LOADERS: Readonly<Record<string, Loader>> = {
  ...{ '.ts': 'ts', '.mts': 'ts', '.tsx': 'tsx', '.jsx': 'jsx', '.js': 'js', '.mjs': 'js', '.json': 'json' },
};
