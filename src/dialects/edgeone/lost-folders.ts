import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../contract/problem.ts';
import { findNearPaths, isDeadLink } from '../loader/near-paths.ts';
import { CLOUD_FUNCTIONS, type FunctionFile, findFiles } from './functions/find-files.ts';
import { mentionsHandler } from './functions/handlers.ts';
import { isCatchAll } from './functions/to-pattern.ts';

/** A folder of functions whose name is most likely misspelt. */
export interface LostFolder {
  /** Relative to the site. */
  readonly folder: string;
  readonly files: readonly FunctionFile[];
}

/**
 * Finds a folder with functions that was most likely meant to be `wanted`, which does not exist. A link to nothing counts as one with a function
 * for every path. Never rejects.
 */
export async function findLostFolder(
  root: string,
  wanted: string,
  extensions = CLOUD_FUNCTIONS.extensions,
): Promise<LostFolder | undefined> {
  const path = join(root, wanted);
  if (await isDeadLink(path))
    return { folder: wanted, files: ['index', '[[path]]'].map((name) => ({ path, file: wanted, segments: [name] })) };
  for (const folder of await findNearPaths(root, wanted, 'folder')) {
    const { files } = await findFiles(root, { folders: [folder], extensions });
    const functions = await keepFunctions(files);
    if (functions.length > 0) return { folder, files: functions };
  }
  return undefined;
}

/** Those that may have handlers or an app, as far as their texts show. */
export async function keepFunctions(files: readonly FunctionFile[]): Promise<readonly FunctionFile[]> {
  const texts = await Promise.all(files.map(({ path }) => readFile(path, 'utf8').catch(() => '')));
  return files.filter(({ segments }, index) => {
    const text = texts[index] ?? '';
    return mentionsHandler(text) || (isCatchAll(segments.at(-1)) && /\bexport\s+default\s+app\b/.test(text));
  });
}

/** One error for each kind of functions, other than edge functions, whose folder has a misspelt name. */
export async function findLostFunctions(root: string): Promise<readonly Problem[]> {
  const found = await Promise.all([findLostFolder(root, 'cloud-functions'), findLostFolder(root, 'agents')]);
  return [...toProblem(found[0], 'functions', 'cloud-functions'), ...toProblem(found[1], 'agents', 'agents')];
}

function toProblem(lost: LostFolder | undefined, what: string, wanted: string): readonly Problem[] {
  if (!lost) return [];
  return [{ severity: 'error', file: lost.folder, message: explainLost(lost, what, wanted) }];
}

/** Why the functions of the folder are not called. */
export function explainLost({ folder }: LostFolder, what: string, wanted: string): string {
  if (folder === wanted) return `is a link to a folder that does not exist: there are no ${what}`;
  return `is not read, although it holds ${what}; did you mean ${wanted}?`;
}
