type Esbuild = typeof import('esbuild');

/**
 * Who uses esbuild just now. esbuild itself has one service process for the whole of ours, and a build under way when that is stopped
 * never ends; so its users are counted where it is, for the whole process.
 */
const USERS = new Set<symbol>();

/**
 * Lends esbuild, which is imported only then, and stops its service process when nobody uses it any more: it would stay for the life of the
 * server, and starting it again costs about 10 ms. Rejects with what `use` rejects with, or with Node's error when esbuild is not installed.
 */
export async function withEsbuild<T>(use: (esbuild: Esbuild) => Promise<T>): Promise<T> {
  const esbuild = await import('esbuild');
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
