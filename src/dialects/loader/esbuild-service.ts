import { BuildError } from './build-error.ts';

type Esbuild = typeof import('esbuild');

/**
 * Who uses esbuild just now. esbuild itself has one service process for the whole of ours, and a build under way when that is stopped
 * never ends; so its users are counted where it is, for the whole process.
 */
const USERS = new Set<symbol>();

/**
 * Lends esbuild, which is imported only then, and stops its service process when nobody uses it any more: it would stay for the life of the
 * server, and starting it again costs about 10 ms. Rejects with what `use` rejects with, or with a BuildError when esbuild is not installed.
 */
export async function withEsbuild<T>(use: (esbuild: Esbuild) => Promise<T>): Promise<T> {
  const esbuild = await importEsbuild();
  const user = Symbol('user');
  USERS.add(user);
  try {
    return await use(esbuild);
  } finally {
    USERS.delete(user);
    // Nothing may be awaited between the look and the stop, or somebody new would lose the service.
    if (USERS.size === 0) await esbuild.stop();
  }
}

/** Not at the top of a file: a server with a fresh build works without it. */
async function importEsbuild(): Promise<Esbuild> {
  try {
    return await import('esbuild');
  } catch (cause) {
    const remedy = 'install it, or run `nexthop build` where it is and bring DATA_DIR along';
    throw new BuildError(`functions cannot be compiled without esbuild, which does not load: ${remedy}`, { cause });
  }
}
