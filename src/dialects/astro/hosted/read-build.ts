import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildFolders, type Manifest, parseManifest } from './manifest.ts';
import { writesAnswers } from './pace.ts';
import { takesHost } from './trust-host.ts';

/** A build as it was read from the disk, without running any of it. */
export interface FoundBuild {
  /** Absolute path of its entry. */
  readonly entry: string;
  /** Absolute path of the folder of its files. */
  readonly client: string;
  /** A hash of the server code. */
  readonly version: string;
  /** Undefined if it is missing or of an unknown form. */
  readonly manifest: Manifest | undefined;
  /** Why there is no manifest; undefined if there is one. */
  readonly unread: UnreadManifest | undefined;
  /** True if `keepPace` can make its write loop wait for slow clients. */
  readonly isPaced: boolean;
  /**
   * True if it takes the host of a request from the Host header, whatever hosts the site allows.
   */
  readonly takesHost: boolean;
  /** True if it redirects a path with the wrong slash at its end, as Astro does since 5.2. */
  readonly redirectsSlash: boolean;
  /**
   * Methods with which its middleware, or its `src/fetch.ts`, may answer a path that no route
   * matches.
   */
  readonly unmatchedMethods: readonly string[];
  /**
   * True if it tries on-demand routes after a prerendered route without a file, as @astrojs/node 11
   * does.
   */
  readonly looksPastPrerendered: boolean;
}

export interface UnreadManifest {
  /** Absolute path of the module with the manifest; of the entry if no module has one. */
  readonly file: string;
  readonly reason: string;
}

/**
 * Reads the server code of a build. Undefined if Astro did not make it. Rejects when a file cannot
 * be read.
 */
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
      unread = { file: path, reason: (error as Error).message }; // parseManifest throws nothing else
    }
  }
  if (!signs.has('astro')) return undefined;
  return {
    entry,
    client: toClient(server, manifest?.folders ?? folders),
    version: sum.digest('hex').slice(0, 16),
    manifest,
    unread: manifest ? undefined : (unread ?? { file: entry, reason: 'no module of the build contains one' }),
    isPaced: signs.has('pace'),
    takesHost: signs.has('host'),
    redirectsSlash: signs.has('slash'),
    unmatchedMethods: toUnmatchedMethods(signs, manifest),
    looksPastPrerendered: signs.has('looksPast'),
  };
}

/** Properties of a build that texts in its modules show. */
const IS_SIGN = {
  /**
   * Every server build has it, with any adapter: the header by which Astro marks its own error
   * responses.
   */
  astro: (text) => /X-Astro-(?:Error|Reroute)/.test(text),
  pace: writesAnswers,
  host: takesHost,
  /** The function by which Astro finds the path of a trailing slash redirect. */
  slash: (text) => text.includes('collapseDuplicateTrailingSlashes'),
  /** The default middleware, in the build of a site without middleware. */
  noMiddleware: (text) => /\bonRequest = \(_, next\) => next\(\)/.test(text),
  /** The entry of Astro 7 sets the site's own `src/fetch.ts`, or a default, as the handler. */
  fetch: (text) => text.includes('.setFetchHandler('),
  defaultFetch: (text) => text.includes('new DefaultFetchHandler()'),
  /** Since Astro 5.3. Earlier versions take HEAD for a form of another site and answer 403. */
  head: (text) => text.includes('SAFE_METHODS'),
  /** @astrojs/node 11 matches a second time, without prerendered routes. */
  looksPast: (text) => text.includes('PRERENDERED_ROUTE_TYPES'),
} as const satisfies Readonly<Record<string, (text: string) => boolean>>;

type Sign = keyof typeof IS_SIGN;
const SIGNS = Object.keys(IS_SIGN) as readonly Sign[];

/**
 * A site with a prerendered 404 page, or without middleware, answers 404 for a path that no route
 * matches without running any of its code. A site's own `src/fetch.ts` runs for every path.
 */
function toUnmatchedMethods(signs: ReadonlySet<Sign>, manifest: Manifest | undefined): readonly string[] {
  const has404 = manifest?.routes.some(({ route, isPrerendered }) => route === '/404' && isPrerendered) ?? false;
  const hasFetch = signs.has('fetch') && !signs.has('defaultFetch');
  if (!hasFetch && (has404 || signs.has('noMiddleware'))) return [];
  return signs.has('head') ? ['GET', 'HEAD'] : ['GET'];
}

const MODULE = /\.[cm]?js$/;

/**
 * Sorted, so that the hash is the same on every machine. Skips packages: they are not part of the
 * build.
 */
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

/** Reads the adapter's options, which builds before Astro 6 have as JSON in their entry. */
function parseFolders(text: string): BuildFolders | undefined {
  const [client, server] = ['client', 'server'].map((name) => new RegExp(`"${name}": "(file:[^"]+)"`).exec(text)?.[1]);
  return client !== undefined && server !== undefined ? { client, server } : undefined;
}

/**
 * Finds the client folder from the current location of the server folder: their relative path is
 * that of the build machine.
 */
function toClient(server: string, folders: BuildFolders | undefined): string {
  if (!folders) return resolve(server, '../client');
  return resolve(server, relative(fileURLToPath(folders.server), fileURLToPath(folders.client)));
}
