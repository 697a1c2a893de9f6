import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Manifest, parseManifest } from './manifest.ts';
import { writesAnswers } from './pace.ts';

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
  /** Absolute path of the module that holds nothing but the manifest, as Astro 5 writes it. */
  readonly manifestModule: string | undefined;
  /** Its code writes answers in a way that can be made to wait for slow clients. */
  readonly isPaced: boolean;
  /** A prerendered page without a file does not hide an on-demand one behind it, as it does before @astrojs/node 11. */
  readonly looksPastPrerendered: boolean;
}

/** Reads the server code of a build. Undefined when it is none of Astro's. Rejects when a file cannot be read. */
export async function readBuild(entry: string): Promise<FoundBuild | undefined> {
  const server = dirname(entry);
  const sum = createHash('sha256');
  let manifest: Manifest | undefined;
  let manifestModule: string | undefined;
  let isAstro = false;
  let isPaced = false;
  let looksPastPrerendered = false;
  for (const path of await listModules(server)) {
    const text = await readFile(path, 'utf8');
    sum.update(relative(server, path)).update('\0').update(text).update('\0');
    isAstro ||= ASTRO.test(text);
    isPaced ||= writesAnswers(text);
    looksPastPrerendered ||= text.includes(LOOKS_PAST);
    manifest ??= parseManifest(text);
    if (MANIFEST_MODULE.test(path)) manifestModule = path;
  }
  if (!isAstro) return undefined;
  const version = sum.digest('hex').slice(0, 16);
  const client = toClient(server, manifest);
  return { entry, client, version, manifest, manifestModule, isPaced, looksPastPrerendered };
}

/** What every build for a server has in it, whoever's the adapter: the field by which Astro tells itself of its errors. */
const ASTRO = /X-Astro-(?:Error|Reroute)/;
/** @astrojs/node 11 asks a second time, without those. */
const LOOKS_PAST = 'PRERENDERED_ROUTE_TYPES';
const MANIFEST_MODULE = /[\\/]manifest_[\w-]+\.mjs$/;
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

/** From where the entry stands, as the two folders stood to each other on the machine that built them; the place itself may be gone. */
function toClient(server: string, manifest: Manifest | undefined): string {
  if (!manifest) return resolve(server, '../client');
  return resolve(server, relative(fileURLToPath(manifest.serverDir), fileURLToPath(manifest.clientDir)));
}
