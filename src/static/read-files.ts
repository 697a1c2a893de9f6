import { realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { FileFolder, Reading } from '../contract/dialect.ts';
import type { Problem } from '../contract/problem.ts';
import type { Project } from '../contract/project.ts';
import type { SitePage } from '../contract/site-files.ts';
import { toExtraHeaders } from './extra-headers.ts';
import { findFolder, findUnnamedBuild } from './find-folder.ts';
import { FoundFiles } from './found-files.ts';
import { type FileListing, listFiles, type NamedFolder, toFolderProblem } from './list-files.ts';
import { LiveFiles } from './live-files.ts';
import { Memory } from './memory.ts';
import { pickPageFiles } from './page-files.ts';
import { toBase, toRouteForAll, toRoutes, toTargets } from './to-targets.ts';

/** Limit for the small files of a site. A file takes memory only after it was requested. */
const MEMORY_BYTES = 32 * 1024 ** 2;

/**
 * How long facts of a file are reused without a check. A busy file then costs no call to the file
 * system, and a change is visible after a second.
 */
const TRUSTED_MS = 1000;

/**
 * Finds which files of the site are served: those of `folders`; none if the list is empty; if no
 * folder is named, those of the folder that `findFolder` finds. Only names are read; a file is read
 * when it is requested. In development the names are read again after a change. Never rejects
 * because of the content of the site. `found` gets all files.
 */
export async function readFiles(
  project: Project,
  folders: readonly FileFolder[] = [{}],
  found = new FoundFiles(),
): Promise<Reading> {
  const named = folders.filter((each): each is NamedFolder => each.folder !== undefined);
  const nameless: FileFolder = Object.assign({}, ...folders.filter(({ folder }) => folder === undefined).reverse());
  if (folders.length === 0) return together([]);
  if (named.length === 0) return readFound(project, nameless, found);
  const places = await mergeEqual(project.root, named);
  return together(await Promise.all(places.map((place) => readFolder(project, { ...place, ...nameless }, found))));
}

async function readFound(project: Project, fileFolder: FileFolder, files: FoundFiles): Promise<Reading> {
  const { folder, pagesOnly, ignored, problems } = await findFolder(project.root);
  const others =
    problems.length === 0 && (folder === undefined || pagesOnly) ? await findUnnamedBuild(project.root) : [];
  const found = { routes: [], ignored, problems: [...problems, ...others] };
  if (folder === undefined) return found;
  const place = { ...fileFolder, folder, ...(pagesOnly && { pagesOnly }) };
  return together([found, await readFolder(project, place, files)]);
}

/**
 * Two platforms may name the same folder, in different spellings (`./dist/`) or through a link. It
 * is served once with the settings of both; if they differ, the first takes precedence.
 */
async function mergeEqual(root: string, folders: readonly NamedFolder[]): Promise<readonly NamedFolder[]> {
  const merged = new Map<string, NamedFolder>();
  for (const place of folders) {
    const path = join(root, place.folder);
    const key = JSON.stringify([await realpath(path).catch(() => path), toBase(place.base)]);
    merged.set(key, { ...place, ...merged.get(key) });
  }
  return [...merged.values()];
}

async function readFolder(project: Project, place: NamedFolder, files: FoundFiles): Promise<Reading> {
  const { root, dataDir, privatePaths = [] } = project;
  if (leadsOut(root, place.folder)) {
    const problem = toFolderProblem(place, 'is not served: the folder of files must be inside the site');
    return { routes: [], ignored: [], problems: [problem] };
  }
  const { folder, namedBy, dotFolders = ['.well-known'] } = place;
  const sources = SOURCES.map((name) => join(root, name));
  const found = await realPaths([dataDir, ...sources, ...(await serverCode(project, folder))]);
  // They may be created later.
  const later = await Promise.all(privatePaths.map((path) => realpath(path).catch(() => path)));
  const secrets = new Set([...found, ...later]);
  const isTop = (await realPaths([root, join(root, folder)])).size === 1;
  const listAll = () => listFiles({ root, folder, secrets, dotFolders, isTop, ...(namedBy && { namedBy }) });
  const list = place.pagesOnly ? async () => pickPageFiles(await listAll()) : listAll;
  const { byPath: extraHeaders, problems } = toExtraHeaders(place);
  const trustedMs = project.dev ? 0 : TRUSTED_MS;
  const serve = ({ files }: FileListing) =>
    toTargets(files, { place, shelf: { memory: new Memory(MEMORY_BYTES), trustedMs }, extraHeaders });
  const listing = await list();
  const reading = {
    ignored: listing.ignored,
    problems: [...listing.problems, ...toPrivateProblems(place, listing), ...problems],
  };
  if (project.dev) {
    const live = new LiveFiles({ name: folder, log: project.log, list, serve }, listing);
    files.add((path) => live.find(path), toPages(listing, place));
    return { ...reading, routes: [toRouteForAll(live, place)] };
  }
  const targets = serve(listing);
  files.add((path) => targets.get(path), toPages(listing, place));
  return { ...reading, routes: toRoutes(targets, place) };
}

/** How many files a message names. */
const MOST_NAMES = 5;

/** Without it, the author would look for a page that is missing, or would not know what such a publication risks. */
function toPrivateProblems(place: NamedFolder, { private: names }: FileListing): readonly Problem[] {
  if (names.length === 0 || place.pagesOnly) return [];
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  const listed = `${names.slice(0, MOST_NAMES).join(', ')}${more}`;
  const message = `is the whole site; not served, because they look like settings or secrets: ${listed}; put public files into a folder of their own`;
  return [toFolderProblem(place, message)];
}

function toPages({ files }: FileListing, { folder, base }: NamedFolder): readonly SitePage[] {
  return files
    .filter(({ path }) => /\.html?$/i.test(path))
    .map(({ path, realPath }) => ({
      path: `${toBase(base)}/${path}`.replace(/(?:(?<=\/)index)?\.html?$/i, ''),
      file: join(folder, path),
      realPath,
    }));
}

/** Files that the platforms read in the site itself, for sites that are served from their root. */
const SOURCES: readonly string[] = [
  ...['cloud-functions', 'node-functions', 'edge-functions', 'functions', 'agents', 'netlify', 'node_modules'],
  ...['middleware.js', 'middleware.ts', 'src/middleware.js', 'src/middleware.ts', 'tsconfig.json', 'jsconfig.json'],
  ...['edgeone.json', 'edgeone.config.ts', 'netlify.toml', 'vercel.json', 'package.json', 'deno.json'],
  ...['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'Dockerfile'],
];

/**
 * Server code that a build put below the folder, as Astro does with `dist/server/`; the settings of
 * a platform may name `dist` nevertheless.
 */
async function serverCode({ root, astro }: Project, folder: string): Promise<readonly string[]> {
  const entries = [join(root, folder, 'server/entry.mjs'), join(root, 'dist/server/entry.mjs')];
  if (astro) entries.push(resolve(root, astro.entry));
  const found = await realPaths(entries);
  return [...found].map((entry) => dirname(entry));
}

function leadsOut(root: string, folder: string): boolean {
  const path = relative(root, join(root, folder));
  return path === '..' || path.startsWith(`..${sep}`);
}

/** The real paths of those that exist. */
async function realPaths(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await Promise.all(paths.map((path) => realpath(path).catch(() => '')));
  return new Set(found.filter(Boolean));
}

function together(readings: readonly Reading[]): Reading {
  return {
    routes: readings.flatMap((reading) => reading.routes),
    ignored: readings.flatMap((reading) => reading.ignored),
    problems: readings.flatMap((reading) => reading.problems),
  };
}
