import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { withYoungGeneration } from '../../src/process/young-generation.ts';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { endWorkers, request } from '../helpers/worker-processes.ts';

const ROOT = join(import.meta.dirname, '../..');

/** V8's limit of the heap is that of the old generation, and three times the size of half of the young one. */
const SITE = {
  'cloud-functions/heap.js': `import { getHeapStatistics } from 'node:v8';
    export const onRequest = () => Response.json({
      options: process.execArgv,
      limitMiB: getHeapStatistics().heap_size_limit / 2 ** 20,
      pid: process.pid,
    });`,
};
const BUILT = { ...SITE, 'dist/server/entry.mjs': '' };

interface Heap {
  readonly options: readonly string[];
  readonly limitMiB: number;
  readonly pid: number;
}

/** As the start script does. */
const STARTED = ['sh', '-c', 'exec "$0" --max-semi-space-size=8 "$@"'];
const OLD = '--max-old-space-size=300';

async function serve(t: ExecutionContext, files: Readonly<Record<string, string>>, env: Record<string, string>) {
  const site = await siteFolder(t, files);
  const running = await startNexthop(t, { site, env: { NODE_OPTIONS: OLD, ...env }, under: STARTED });
  if (env.WORKERS !== '0') endWorkers(t, running);
  const heap = (await (await request(running, '/heap')).json()) as Heap; // what the function returns
  return { running, ...heap, youngMiB: (heap.limitMiB - 300) / 3 };
}

test('workers of a site with a build that renders pages have a larger young generation than others', async (t) => {
  const built = await serve(t, BUILT, { WORKERS: '1' });
  const other = await serve(t, SITE, { WORKERS: '1' });

  t.is(built.youngMiB, 32);
  t.is(other.youngMiB, 8);
});

test('without workers, Node starts again in the same process for such a site, and only for such a site', async (t) => {
  const built = await serve(t, BUILT, { WORKERS: '0' });
  const other = await serve(t, SITE, { WORKERS: '0' });

  t.deepEqual([built.youngMiB, built.options], [32, ['--max-semi-space-size=32']]);
  t.is(built.pid, built.running.pid);
  t.deepEqual([other.youngMiB, other.options], [8, ['--max-semi-space-size=8']]);
});

for (const WORKERS of ['0', '1']) {
  test(`a size in NODE_OPTIONS stays, with WORKERS=${WORKERS}`, async (t) => {
    const { youngMiB } = await serve(t, BUILT, { WORKERS, NODE_OPTIONS: `${OLD} --max-semi-space-size=4` });

    t.is(youngMiB, 4);
  });
}

test('a size on the command line stays, and so do other options', async (t) => {
  const site = await siteFolder(t, BUILT);
  const config = { site, ASTRO_ENTRY: 'dist/server/entry.mjs', functionEnv: {} };
  const options = (...given: string[]) => withYoungGeneration(given, { config, processes: 1 });

  t.deepEqual(options('--max_semi_space_size=8', '--no-warnings'), ['--max_semi_space_size=8', '--no-warnings']);
  t.deepEqual(options('--max-semi-space-size=8', '--no-warnings'), ['--max-semi-space-size=32', '--no-warnings']);
});

test('processes that share little memory keep the small one', async (t) => {
  const site = await siteFolder(t, BUILT);
  const config = { site, ASTRO_ENTRY: 'dist/server/entry.mjs', functionEnv: {} };

  t.deepEqual(withYoungGeneration([], { config, processes: 1_000_000 }), ['--max-semi-space-size=8']);
});

for (const file of ['package.json', 'Dockerfile', 'examples/deploy/nexthop.service']) {
  test(`${file} starts nexthop with the small young generation`, async (t) => {
    t.regex(await readFile(join(ROOT, file), 'utf8'), /--max-semi-space-size=8\b/);
  });
}
