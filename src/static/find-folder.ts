import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IgnoredFile } from '../contract/dialect.ts';
import type { Problem } from '../contract/problem.ts';

/** The locations in which files are searched, shown to the author of a site without files. */
export const LOOKS_FOR =
  'dist/client/ of a build with dist/server/, else dist/ with an index.html, else public/, else pages beside an index.html at the top';

export interface FoundFolder {
  /** Relative to the site; undefined if no folder is certainly meant for the web. */
  readonly folder?: string;
  /** The folder also contains files of a server (see FileFolder). */
  readonly pagesOnly?: true;
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
}

/**
 * Finds the folder of files of a site that does not configure one. A build takes precedence over
 * `public/`, because build tools copy `public/` into their output. A `dist/` may contain compiled
 * server code instead of a site; it is not served in case of doubt. The last choice are pages in
 * the root of a site that needs no build.
 */
export async function findFolder(root: string): Promise<FoundFolder> {
  const [dist, publicNames] = await Promise.all([lookAtDist(root), namesIn(join(root, 'public'))]);
  const hasPublic = publicNames.length > 0;
  if (dist.folder !== undefined) {
    return hasPublic ? { ...dist, ignored: [{ file: 'public', reason: `built into ${dist.folder}` }] } : dist;
  }
  const found: FoundFolder = hasPublic ? { ...dist, folder: 'public' } : dist;
  // A doubtful dist/ has been reported, and a page in public/ is served.
  if (found.problems.length > 0 || publicNames.includes(INDEX)) return found;
  const lack = await findObstacle(root, hasPublic);
  if (lack === 'no page') return found;
  if (lack === undefined) return { ...found, folder: '.', pagesOnly: true };
  return { ...found, problems: [{ severity: 'warning', file: INDEX, message: `is not served: ${lack}` }] };
}

const INDEX = 'index.html';

/** Why the page in the root of a site is not served as it is; undefined if it may be. */
async function findObstacle(root: string, hasPublic: boolean): Promise<string | 'no page' | undefined> {
  const page = await readFile(join(root, INDEX), 'utf8').catch(() => undefined);
  if (page === undefined) return 'no page';
  const reason = await findReasonToBuild(root, page);
  if (reason !== undefined)
    return `${reason}, whose output is neither in dist/ nor in public/; run the build, or name its folder`;
  return hasPublic ? `the files are those of public/; put it there, or set ${toConfiguration('.')}` : undefined;
}

const BUNDLER = /^(?:vite|webpack|rollup|rspack|rsbuild|farm)\.config\.[cm]?[jt]s$/;
/** A script that no browser can run without a build. */
const UNBUILT_SCRIPT = /<script\b[^>]*\bsrc\s*=\s*["']?([^"'\s>]+\.(?:[cm]?tsx?|jsx|vue|svelte))["'\s>]/i;

async function findReasonToBuild(root: string, page: string): Promise<string | undefined> {
  const { scripts } = await readManifest(root);
  if (isTable(scripts) && scripts.build) return 'package.json has a build script';
  const bundler = (await namesIn(root)).find((name) => BUNDLER.test(name));
  if (bundler !== undefined) return `it is the source of a build (${bundler})`;
  const [, script] = UNBUILT_SCRIPT.exec(page) ?? [];
  return script === undefined ? undefined : `it is the source of a build (it loads ${script})`;
}

/**
 * Folders into which build tools write pages, besides those that are served without configuration.
 */
const OTHER_FOLDERS: readonly string[] = ['build', 'out', '_site', 'www', 'site'];

/**
 * A warning about the pages of a build in a folder that no configuration names: it is unknown
 * whether they are meant for the web.
 */
export async function findUnnamedBuild(root: string): Promise<readonly Problem[]> {
  for (const folder of OTHER_FOLDERS) {
    if (!(await namesIn(join(root, folder))).includes(INDEX)) continue;
    const message = `is not served, because no configuration names its folder: set ${toConfiguration(folder)}`;
    return [{ severity: 'warning', file: join(folder, INDEX), message }];
  }
  return [];
}

/** How each platform configures a folder. */
function toConfiguration(folder: string): string {
  const name = JSON.stringify(folder);
  return `publish = ${name} in [build] of netlify.toml, or "outputDirectory": ${name} in edgeone.json`;
}

async function lookAtDist(root: string): Promise<FoundFolder> {
  const names = await namesIn(join(root, 'dist'));
  if (names.length === 0) return NOTHING;
  if (names.includes('server')) {
    const hasClient = names.includes('client') && (await isFolder(join(root, 'dist/client')));
    return hasClient ? { ...NOTHING, folder: 'dist/client' } : ignoreDist('server code: it has server/ and no client/');
  }
  if (!names.includes('index.html')) return ignoreDist('treated as compiled code: it has no index.html');
  const doubt = names.find((name) => SERVER_CODE.test(name)) ?? ((await startsFromDist(root)) && 'package.json');
  return doubt ? { ...NOTHING, problems: [toProblem(doubt)] } : { ...NOTHING, folder: 'dist' };
}

const NOTHING: FoundFolder = { ignored: [], problems: [] };

function ignoreDist(reason: string): FoundFolder {
  return { ignored: [{ file: 'dist', reason }], problems: [] };
}

/** Files that a build for the web does not create beside its index.html. */
const SERVER_CODE = /^(?:package\.json|node_modules|server\..*|.*\.(?:cjs|d\.[cm]?ts))$/;

function toProblem(doubt: string): Problem {
  const why =
    doubt === 'package.json' ? 'package.json starts code from it' : `there is server code beside it (${doubt})`;
  return {
    severity: 'warning',
    file: 'dist',
    message: `is not served although it has an index.html: ${why}. Put what is for the web into public/`,
  };
}

/** Whether the package is started or imported from `dist/`. */
async function startsFromDist(root: string): Promise<boolean> {
  const { main, bin, exports, scripts } = await readManifest(root);
  const start = isTable(scripts) ? scripts.start : undefined;
  return (
    /"(?:\.\/)?dist\//.test(JSON.stringify([main, bin, exports])) ||
    /\b(?:node|bun|tsx|pm2)\b[^&|;]*\bdist\b/.test(String(start))
  );
}

/** The `package.json` of the site; empty if there is none, or if it is invalid. */
async function readManifest(root: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    return isTable(manifest) ? manifest : {};
  } catch {
    return {};
  }
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

async function isFolder(path: string): Promise<boolean> {
  return (await namesIn(path)).length > 0;
}

/** Empty if it is not a folder or cannot be read. */
async function namesIn(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => []);
}
