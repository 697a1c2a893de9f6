import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IgnoredFile } from '../contract/dialect.ts';
import type { Problem } from '../contract/problem.ts';

/** Where files are looked for, as told to the author of a site that has none. */
export const LOOKS_FOR = 'dist/client/ of a build with dist/server/, else dist/ with an index.html, else public/';

export interface FoundFolder {
  /** Relative to the site; undefined when there is none that is surely meant for the web. */
  readonly folder?: string;
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
}

/**
 * The folder of files of a site that does not name one. A build comes before `public/`, because build tools copy `public/` into what they make.
 * A `dist/` may hold compiled server code as well as a site; whatever leaves a doubt is not served.
 */
export async function findFolder(root: string): Promise<FoundFolder> {
  const [dist, hasPublic] = await Promise.all([lookAtDist(root), isFolder(join(root, 'public'))]);
  if (dist.folder === undefined) return hasPublic ? { ...dist, folder: 'public' } : dist;
  return hasPublic ? { ...dist, ignored: [{ file: 'public', reason: `built into ${dist.folder}` }] } : dist;
}

async function lookAtDist(root: string): Promise<FoundFolder> {
  const names = await namesIn(join(root, 'dist'));
  if (names.length === 0) return NOTHING;
  if (names.includes('server')) {
    const hasClient = names.includes('client') && (await isFolder(join(root, 'dist/client')));
    return hasClient ? { ...NOTHING, folder: 'dist/client' } : ignoreDist('server code: it has server/ and no client/');
  }
  if (!names.includes('index.html')) return ignoreDist('taken for compiled code: it has no index.html');
  const doubt = names.find((name) => SERVER_CODE.test(name)) ?? ((await startsFromDist(root)) && 'package.json');
  return doubt ? { ...NOTHING, problems: [toProblem(doubt)] } : { ...NOTHING, folder: 'dist' };
}

const NOTHING: FoundFolder = { ignored: [], problems: [] };

function ignoreDist(reason: string): FoundFolder {
  return { ignored: [{ file: 'dist', reason }], problems: [] };
}

/** What a build for the web does not leave beside its index.html. */
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

/** Whether the package runs, or is imported, from `dist/`. */
async function startsFromDist(root: string): Promise<boolean> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const { main, bin, exports, scripts } = manifest as Record<string, unknown>; // whatever they are, only their text is looked at
    const { start } = (scripts ?? {}) as Record<string, unknown>;
    return (
      /"(?:\.\/)?dist\//.test(JSON.stringify([main, bin, exports])) ||
      /\b(?:node|bun|tsx|pm2)\b[^&|;]*\bdist\b/.test(String(start))
    );
  } catch {
    // None, or one that nobody could start anything from.
    return false;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await namesIn(path)).length > 0;
}

/** None for what is no folder, or may not be read. */
async function namesIn(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => []);
}
