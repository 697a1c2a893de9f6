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
  let manifest: Manifest | undefined;
  let unread: UnreadManifest | undefined;
  let folders: BuildFolders | undefined;
  let isAstro = false;
  let isPaced = false;
  let isTakingHost = false;
  let redirectsSlash = false;
  let looksPastPrerendered = false;
  for (const path of await listModules(server)) {
    const text = await readFile(path, 'utf8');
    sum.update(relative(server, path)).update('\0').update(text).update('\0');
    isAstro ||= ASTRO.test(text);
    isPaced ||= writesAnswers(text);
    isTakingHost ||= takesHost(text);
    redirectsSlash ||= text.includes(REDIRECTS_SLASH);
    looksPastPrerendered ||= text.includes(LOOKS_PAST);
    if (path === entry) folders = parseFolders(text);
    try {
      manifest ??= parseManifest(text);
    } catch (error) {
      unread = { file: path, reason: (error as Error).message }; // all that it throws
    }
  }
  if (!isAstro) return undefined;
  return {
    entry,
    client: toClient(server, manifest?.folders ?? folders),
    version: sum.digest('hex').slice(0, 16),
    manifest,
    unread: manifest ? undefined : (unread ?? { file: entry, reason: 'no module of the build has one' }),
    isPaced,
    takesHost: isTakingHost,
    redirectsSlash,
    looksPastPrerendered,
  };
}

/** What every build for a server has in it, whoever's the adapter: the field by which Astro tells itself of its errors. */
const ASTRO = /X-Astro-(?:Error|Reroute)/;
/** @astrojs/node 11 asks a second time, without those. */
const LOOKS_PAST = 'PRERENDERED_ROUTE_TYPES';
/** The function with which Astro compares a path with the one it redirects to. */
const REDIRECTS_SLASH = 'collapseDuplicateTrailingSlashes';
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
