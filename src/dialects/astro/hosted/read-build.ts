import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildFolders, type Manifest, parseManifest } from './manifest.ts';
import { writesAnswers } from './pace.ts';
import { takesHost } from './trust-host.ts';

/** A build on the disk, of which nothing was run. */
export interface FoundBuild {
  /** Absolute path of its entry. */
  readonly entry: string;
  /** Absolute path of the folder of its files. */
  readonly client: string;
  /** The same for the same server code. */
  readonly version: string;
  /** Undefined where it is of a form that we do not know. */
  readonly manifest: Manifest | undefined;
  /** Why there is no manifest; undefined where there is one. */
  readonly unread: UnreadManifest | undefined;
  /** Its code writes answers in a way that can be made to wait for slow clients. */
  readonly isPaced: boolean;
  /** It takes the host of a request from the Host field, whatever hosts the site named. */
  readonly takesHost: boolean;
  /** It redirects a path with the wrong slash at its end, as Astro itself does since 5.2. */
  readonly redirectsSlash: boolean;
  /** Methods with which its middleware, or its `src/fetch.ts`, may answer a path that no route matches. */
  readonly unmatchedMethods: readonly string[];
  /** A prerendered page without a file does not hide an on-demand one behind it, as it does before @astrojs/node 11. */
  readonly looksPastPrerendered: boolean;
}

export interface UnreadManifest {
  /** Absolute path of the module with the manifest; of the entry where no module has one. */
  readonly file: string;
  readonly reason: string;
}

/** Reads the server code of a build. Undefined when it is none of Astro's. Rejects when a file cannot be read. */
export async function readBuild(entry: string): Promise<FoundBuild | undefined> {
  const server = dirname(entry);
  const sum = createHash('sha256');
  const signs = new Set<Sign>();
  let manifest: Manifest | undefined;
  let unread: UnreadManifest | undefined;
  let folders: BuildFolders | undefined;
  for (const path of await listModules(server)) {
    const text = await readFile(path, 'utf8');
    sum.update(relative(server, path)).update('\0').update(text).update('\0');
    for (const sign of SIGNS) if (IS_SIGN[sign](text)) signs.add(sign);
    if (path === entry) folders = parseFolders(text);
    try {
      manifest ??= parseManifest(text);
    } catch (error) {
      unread = { file: path, reason: (error as Error).message }; // all that it throws
    }
  }
  if (!signs.has('astro')) return undefined;
  return {
    entry,
    client: toClient(server, manifest?.folders ?? folders),
    version: sum.digest('hex').slice(0, 16),
    manifest,
    unread: manifest ? undefined : (unread ?? { file: entry, reason: 'no module of the build has one' }),
    isPaced: signs.has('pace'),
    takesHost: signs.has('host'),
    redirectsSlash: signs.has('slash'),
    unmatchedMethods: toUnmatchedMethods(signs, manifest),
    looksPastPrerendered: signs.has('looksPast'),
  };
}

/** What is known of a build by texts in its modules. */
const IS_SIGN = {
  /** What every build for a server has in it, whoever's the adapter: the field by which Astro tells itself of its errors. */
  astro: (text) => /X-Astro-(?:Error|Reroute)/.test(text),
  pace: writesAnswers,
  host: takesHost,
  /** The function with which Astro compares a path with the one it redirects to. */
  slash: (text) => text.includes('collapseDuplicateTrailingSlashes'),
  /** The module that stands for the middleware of a site that has none. */
  noMiddleware: (text) => /\bonRequest = \(_, next\) => next\(\)/.test(text),
  /** The entry of Astro 7 takes the site's own `src/fetch.ts`, or the default in its place. */
  fetch: (text) => text.includes('.setFetchHandler('),
  defaultFetch: (text) => text.includes('new DefaultFetchHandler()'),
  /** Before Astro 5.3, HEAD gets 403 as a form of another site, whatever is there. */
  head: (text) => text.includes('SAFE_METHODS'),
  /** @astrojs/node 11 asks a second time, without prerendered routes. */
  looksPast: (text) => text.includes('PRERENDERED_ROUTE_TYPES'),
} as const satisfies Readonly<Record<string, (text: string) => boolean>>;

type Sign = keyof typeof IS_SIGN;
const SIGNS = Object.keys(IS_SIGN) as readonly Sign[];

/** A path that no route matches gets a prerendered 404 page without a run of the middleware, but not past `src/fetch.ts`. */
function toUnmatchedMethods(signs: ReadonlySet<Sign>, manifest: Manifest | undefined): readonly string[] {
  const has404 = manifest?.routes.some(({ route, isPrerendered }) => route === '/404' && isPrerendered) ?? false;
  const hasFetch = signs.has('fetch') && !signs.has('defaultFetch');
  if (!hasFetch && (has404 || signs.has('noMiddleware'))) return [];
  return signs.has('head') ? ['GET', 'HEAD'] : ['GET'];
}

const MODULE = /\.[cm]?js$/;

/** In one order on every machine. Packages that stand there are not of the build's making. */
async function listModules(folder: string): Promise<readonly string[]> {
  const entries: readonly Dirent[] = await readdir(folder, { withFileTypes: true });
  const paths = await Promise.all(
    entries
      .filter(({ name }) => name !== 'node_modules')
      .map(async (entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return listModules(path);
        return entry.isFile() && MODULE.test(entry.name) ? [path] : [];
      }),
  );
  return paths.flat().sort();
}

/** The options of the adapter, which builds before Astro 6 have in their entry, as JSON. */
function parseFolders(text: string): BuildFolders | undefined {
  const [client, server] = ['client', 'server'].map((name) => new RegExp(`"${name}": "(file:[^"]+)"`).exec(text)?.[1]);
  return client !== undefined && server !== undefined ? { client, server } : undefined;
}

/** From where the entry stands, as the two folders stood to each other on the machine that built them; the place itself may be gone. */
function toClient(server: string, folders: BuildFolders | undefined): string {
  if (!folders) return resolve(server, '../client');
  return resolve(server, relative(fileURLToPath(folders.server), fileURLToPath(folders.client)));
}
