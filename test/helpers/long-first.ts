import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Files and folders of tests that take longest, in the order in which they begin: what begins last should be short, because at the end of a run one file has a
 * processor for itself. Those that wait stand between those that compute. All builds of Astro come together, since each version builds in one process that costs
 * seconds to start.
 */
export const LONG_TESTS = [
  'process/watchdog.ts',
  'docker.ts',
  'astro-adapter/browser.ts',
  'process/worker-faults.ts',
  'astro-adapter/',
  'process/workers.ts',
  'stores/sqlite/contract.ts',
  'dialects/astro/',
  'public/astro.ts',
  'jobs/kill.ts',
  'cli/install.ts',
  'process/worker-loads.ts',
  'bench.ts',
  'jobs/background-ends.ts',
  'stores/redis/failover.ts',
  'site/reload-leaks.ts',
  'edge/sequence.ts',
  'process/',
  'jobs/',
];

/** The paths of all test files, relative to `folder`, in the order in which they should begin. */
export async function longFirst(folder: string): Promise<readonly string[]> {
  const paths = (await readdir(folder, { recursive: true })).filter((path) =>
    /^(?!helpers|fixtures).*\.ts$/.test(path),
  );
  const rankOf = (path: string): number => {
    const rank = LONG_TESTS.findIndex((long) => path.startsWith(long));
    return rank === -1 ? LONG_TESTS.length : rank;
  };
  return paths.sort().toSorted((one, other) => rankOf(one) - rankOf(other));
}

if (import.meta.main) {
  const paths = await longFirst(join(import.meta.dirname, '..'));
  // ava runs files in the order of its arguments.
  process.stdout.write(paths.map((path) => `test/${path}`).join(' '));
}
