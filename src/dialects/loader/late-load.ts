import { relative } from 'node:path';
import type { BuildFailure, Message } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import { withEsbuild } from './esbuild-service.ts';
import { LOADERS } from './source-files.ts';

export interface LateLoad {
  /** Absolute path of the site. */
  readonly root: string;
  /** Absolute path of the file that does not finish loading. */
  readonly path: string;
  readonly waitedMs: number;
}

/** How many places are named. */
const MOST_PLACES = 3;

/**
 * Describes a file that does not finish loading: for how long, and at which `await` outside of
 * functions it may wait, in its own code or in what it imports. With a line if that is in the file
 * itself. The file of the site is read for it once more; never rejects.
 */
export async function describeLateLoad({
  root,
  path,
  waitedMs,
}: LateLoad): Promise<Pick<Problem, 'message' | 'line' | 'column'>> {
  const file = relative(root, path);
  const places = await findAwaits(root, path);
  const since = `is still loading after ${(waitedMs / 1000).toFixed(waitedMs < 1000 ? 1 : 0)} s`;
  const own = places.find((place) => place.file === file);
  const names = places.slice(0, MOST_PLACES).map((place) => `${place.file}:${place.line}:${place.column}`);
  const more = places.length > MOST_PLACES ? ` and ${places.length - MOST_PLACES} more` : '';
  if (places.length === 0)
    return { message: `${since}; a package that it imports may wait for something at its top level` };
  const which = places.length === 1 ? 'it waits at the await' : 'it waits at one of the awaits';
  return {
    message: `${since}: ${which} outside of functions at ${names.join(', ')}${more}`,
    ...(own && { line: own.line, column: own.column }),
  };
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Those of the file come first. Without those of packages. */
async function findAwaits(root: string, path: string): Promise<readonly Place[]> {
  const options = { bundle: true, write: false, packages: 'external', platform: 'node' } as const;
  try {
    // CommonJS has no top-level await, so esbuild reports each as an error.
    await withEsbuild(({ build }) =>
      build({
        ...options,
        entryPoints: [path],
        format: 'cjs',
        loader: LOADERS,
        logLevel: 'silent',
        absWorkingDir: root,
      }),
    );
    return [];
  } catch (error) {
    const { errors = [] } = error as Partial<BuildFailure>; // undefined if esbuild cannot be run
    return errors
      .flatMap(toPlace)
      .toSorted(
        (one, other) => Number(other.file === relative(root, path)) - Number(one.file === relative(root, path)),
      );
  }
}

function toPlace({ text, location }: Message): readonly Place[] {
  if (!location || !text.startsWith('Top-level await')) return [];
  return [{ file: location.file, line: location.line, column: location.column + 1 }];
}
