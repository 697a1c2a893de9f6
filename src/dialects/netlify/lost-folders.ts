import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileFolder } from '../../contract/dialect.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Project } from '../../contract/project.ts';
import { findNearPaths, isDeadLink } from '../loader/near-paths.ts';
import type { NetlifyToml } from './config/netlify-toml.ts';
import { EDGE_FOLDER, listEdgeFiles } from './edge/find-edge-files.ts';
import { DEFAULT_FOLDER } from './find/find-functions.ts';
import { listCandidates } from './find/list-candidates.ts';

export interface LostFolders {
  readonly problems: readonly Problem[];
  /** What may hold guards that are not called: no request may be answered. */
  readonly closed: readonly string[];
}

/**
 * Finds the folders of functions and of edge functions that do not exist under their names, the default ones or those of
 * `netlify.toml`, and folders with code that were most likely meant. Never rejects.
 */
export async function findLostFolders(project: Project, toml: NetlifyToml): Promise<LostFolders> {
  // Which folders are read is not known.
  if (toml.isClosed) return { problems: [], closed: [] };
  const { root, ignoresEdgeFunctions = false } = project;
  const [functions, edge] = await Promise.all([
    findLost(root, {
      folder: toml.functionsFolder ?? join(toml.base, DEFAULT_FOLDER),
      fallback: DEFAULT_FOLDER,
      namedBy: toml.functionsBy,
      what: 'functions',
      files: async (folder) => (await listCandidates(root, folder)).candidates,
    }),
    findLost(root, {
      folder: toml.edgeFolder ?? EDGE_FOLDER,
      fallback: EDGE_FOLDER,
      namedBy: toml.edgeBy,
      what: 'edge functions',
      files: (folder) => listEdgeFiles(root, folder),
    }),
  ]);
  // A folder that was named on purpose was there once, or is one that a build has not made.
  const mayGuard = edge && (edge.code !== undefined || toml.edgeFolder !== EDGE_FOLDER);
  const isClosed = mayGuard && !ignoresEdgeFunctions;
  return {
    problems: [
      ...(functions ? [toProblem(functions, functions.code !== undefined)] : []),
      ...(edge ? [toProblem(edge, isClosed === true, isClosed ? CLOSED : '')] : []),
    ],
    closed: isClosed ? [edge.file] : [],
  };
}

const CLOSED = '; because edge functions may protect paths, every request is answered 500';

interface Wanted {
  /** Relative to the site. */
  readonly folder: string;
  /** The default folder. */
  readonly fallback: string;
  /** Undefined: `folder` is the default one. */
  readonly namedBy: FileFolder['namedBy'];
  readonly what: string;
  /** The files of a folder that may have such functions. */
  readonly files: (folder: string) => Promise<readonly { readonly file: string }[]>;
}

interface Lost extends Pick<Problem, 'file' | 'line' | 'message'> {
  /** A folder with functions that are not called, or a link to one. */
  readonly code: string | undefined;
}

/** Undefined if the folder is there, or if nothing is there and nothing names it. */
async function findLost(root: string, wanted: Wanted): Promise<Lost | undefined> {
  const { folder, fallback, namedBy, what, files } = wanted;
  const stats = await stat(join(root, folder)).catch(() => undefined);
  if (stats?.isDirectory() || (stats && !namedBy)) return undefined;
  if (!namedBy && (await isDeadLink(join(root, folder)))) {
    return { file: folder, message: `is a link to a folder that does not exist: there are no ${what}`, code: folder };
  }
  const near = await findNearPaths(root, folder, 'folder');
  const holders = namedBy && folder !== fallback ? [...near, fallback] : near;
  let code: string | undefined;
  for (const each of holders) code ??= (await hasExports(root, await files(each))) ? each : undefined;
  if (namedBy) {
    const { key, ...place } = namedBy;
    const hint = code ?? near[0];
    const end = hint === undefined ? '' : `; did you mean ${hint}?`;
    const state = stats ? 'is no folder' : 'does not exist';
    return { ...place, message: `${key} names ${folder}, which ${state}: there are no ${what}${end}`, code };
  }
  if (code === undefined) return undefined;
  return { file: code, message: `is not read, although it holds ${what}; did you mean ${folder}?`, code };
}

async function hasExports(root: string, files: readonly { readonly file: string }[]): Promise<boolean> {
  const texts = await Promise.all(files.map(({ file }) => readFile(join(root, file), 'utf8').catch(() => '')));
  return texts.some((text) => /\bexports?\b/.test(text));
}

function toProblem({ code: _, message, ...place }: Lost, isError: boolean, end = ''): Problem {
  return { severity: isError ? 'error' : 'warning', ...place, message: message + end };
}
