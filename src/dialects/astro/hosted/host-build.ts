import { relative, sep } from 'node:path';
import { toCachedRoutes } from '../../../contract/cache.ts';
import type { FileFolder, Reading } from '../../../contract/dialect.ts';
import { messageOf } from '../../../contract/error-message.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import { FunctionLimits } from '../../../http/function-limits.ts';
import { isOwnEntry } from '../own/own-build.ts';
import { ownReading } from '../own/own-reading.ts';
import type { Handler } from './handler-call.ts';
import { type Exports, openBuild } from './open-build.ts';
import type { FoundBuild, UnreadManifest } from './read-build.ts';
import { readStaticHeaders, type StaticHeaders } from './static-headers.ts';
import { toRoutes, toUnreadyRoutes } from './to-routes.ts';

export interface HostParts {
  readonly project: Project;
  readonly found: FoundBuild;
  /** The entry, relative to the site. */
  readonly file: string;
}

/**
 * Imports a build and returns its routes and files. A build that cannot be imported keeps its
 * routes, which answer 500: no other target may answer them. Never rejects.
 */
export async function hostBuild(parts: HostParts): Promise<Reading> {
  const { project, found, file } = parts;
  const problems: Problem[] = [];
  const headers = await readHeaders(found, file, problems);
  const folder = (assets?: string): readonly FileFolder[] => [toFileFolder(project.root, found, { assets, headers })];
  const reading = { routes: [], ignored: [], problems };
  const ownsNotFound = project.astro?.ownsNotFound ?? false;
  // `nexthop build` runs no code of the site, and a build of Astro needs no compiling.
  if (project.ahead) return { ...reading, fileFolders: folder() };
  /** `build`: the one in use, which may be an older one. */
  const toReading = (exports: Exports, build: FoundBuild): Reading => {
    if (isOwnEntry(exports.nexthop)) {
      const unmatched = ownsNotFound ? 'render' : 'pass';
      return ownReading({ build: exports.nexthop.open(), root: project.root, entry: file, unmatched });
    }
    const { handler, mode, assets } = toNodeBuild(exports);
    if (build.unread) problems.push(toUnreadProblem(project.root, build.unread, mode));
    const hosted = { ...build, name: file, handler, mode, limits: toLimits(project) };
    return { ...reading, routes: toRoutes({ found: build, file, ownsNotFound }, hosted), fileFolders: folder(assets) };
  };
  const toCached = (read: Reading): Reading => ({ ...read, routes: toCachedRoutes(read.routes, project.withCache) });
  try {
    return toCached(toReading(await openBuild(project, found, file), found));
  } catch (error) {
    const before = project.warmCode?.findGood(file);
    problems.push({ severity: 'error', file, message: explain(error), ...(before && { keeps: [file] }) });
    // Kept by openBuild.
    if (before) return toCached(withProblems(toReading(before.exports, before.facts as FoundBuild), problems));
    return { ...reading, routes: toUnreadyRoutes({ found, file, ownsNotFound }, error), fileFolders: folder() };
  }
}

function withProblems(reading: Reading, problems: readonly Problem[]): Reading {
  return { ...reading, problems: [...new Set([...problems, ...reading.problems])] };
}

/** Lists what works less well without a manifest. */
function toUnreadProblem(root: string, { file, reason }: UnreadManifest, mode: NodeBuild['mode']): Problem {
  const effects = [
    'the build gets every request that no file answers',
    'its files are served as if it had no base and no trailingSlash',
    'bodies of actions and server islands are limited to 1 MiB, whatever the site sets',
  ];
  if (mode === 'standalone') {
    effects.push('a request with a body for which it has no page gets its 404 and is not forwarded to the next hop');
  }
  const message = `the manifest of the build cannot be read (${reason}): ${effects.join('; ')}. nexthop can read manifests of Astro 4.16 to 7`;
  return { severity: 'warning', file: toSiteFile(root, file), message };
}

async function readHeaders(
  { client }: FoundBuild,
  file: string,
  problems: Problem[],
): Promise<StaticHeaders | undefined> {
  try {
    return await readStaticHeaders(client);
  } catch (error) {
    const message = `its static headers cannot be read, and pages are sent without them: ${messageOf(error)}`;
    problems.push({ severity: 'error', file, message });
    return undefined;
  }
}

function toLimits({ functionLimits: { bodyBytes, timeoutMs }, log }: Project): FunctionLimits {
  return new FunctionLimits({ bodyBytes, timeoutMs, log });
}

/** The exports of a build with @astrojs/node. */
interface NodeBuild {
  readonly handler: Handler;
  readonly mode: 'middleware' | 'standalone';
  /** Name of the folder whose files never change, before Astro 6. */
  readonly assets: string | undefined;
}

/** Throws a NotNodeBuild that lists what the entry exports instead. */
function toNodeBuild({ handler, options, ...others }: Exports): NodeBuild {
  const { mode, assets } = (typeof options === 'object' && options !== null ? options : {}) as Record<string, unknown>;
  if (typeof handler !== 'function' || (mode !== 'middleware' && mode !== 'standalone')) {
    const names = Object.keys({ ...(handler !== undefined && { handler }), ...others });
    throw new NotNodeBuild(
      `is not a build with @astrojs/node or nexthop/astro; it exports ${names.join(', ') || 'nothing'}. Use one of these adapters in astro.config.mjs`,
    );
  }
  return { handler: handler as Handler, mode, assets: typeof assets === 'string' ? assets : undefined };
}

class NotNodeBuild extends Error {}

const MISSING_PACKAGE = /Cannot find package '([^']+)'/;

/** Says why a build cannot be imported, and what to do. */
function explain(error: unknown): string {
  if (error instanceof NotNodeBuild) return error.message;
  const message = messageOf(error);
  const [, missing] = MISSING_PACKAGE.exec(message) ?? [];
  if (missing === undefined) return `throws while it loads: ${message}`;
  return `needs the package ${missing}, which is not installed. A build with @astrojs/node does not contain its packages: install them (npm ci --omit=dev), or copy node_modules, beside dist/`;
}

const SLASHES = { always: 'always', never: 'never', ignore: 'either' } as const;

/**
 * Where the files of a build are, and how they are served. `assets`: the folder whose files never
 * change, as the entry of Astro 5 exports it.
 */
function toFileFolder(
  root: string,
  { client, manifest }: FoundBuild,
  { assets, headers }: { readonly assets: string | undefined; readonly headers: StaticHeaders | undefined },
): FileFolder {
  const { base = '', trailingSlash = 'ignore', buildFormat = 'directory', assetsDir = assets } = manifest ?? {};
  return {
    folder: toSiteFile(root, client) || '.',
    slash: SLASHES[trailingSlash],
    // In a build with a folder for each page, `404.html` is a file of that name and not the page
    // `/404`.
    htmlPages: buildFormat !== 'directory',
    ...(base !== '' && { base }),
    dotFolders: ['.well-known'],
    immutable: [`/${(assetsDir ?? '_astro').replace(/^\/|\/$/g, '')}/`],
    ...(headers && { headers }),
  };
}

/** Relative to the site. */
function toSiteFile(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}
