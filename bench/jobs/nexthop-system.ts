import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from '../../src/config/config.ts';
import type { Log } from '../../src/contract/log.ts';
import type { Store } from '../../src/contract/store.ts';
import type { OpenSystem } from './system.ts';

type Built = typeof import('../../src/config/config.ts') &
  typeof import('../../src/jobs/worker.ts') &
  typeof import('../../src/stores/open.ts');

/** The built queue and worker of nexthop, without a server. */
export const open: OpenSystem = async ({ redisPort, folder, fsync }) => {
  const { readConfig, openStore, Worker } = await load('config/config.js', 'stores/open.js', 'jobs/worker.js');
  const config: Config = readConfig({
    env: {
      DATA_DIR: folder,
      STORE_FSYNC: fsync ? '1' : '0',
      ...(redisPort > 0 && { REDIS_URL: `redis://127.0.0.1:${redisPort}` }),
    },
  });
  const store: Store = openStore(config, SILENT);
  const { queue } = store;
  let stop = async (): Promise<void> => {};
  return {
    push: (payload) => queue.push({ rule: RULE, payload: Buffer.from(payload), dueAtMs: Date.now() }),
    work(concurrency, run) {
      const rule = {
        name: RULE,
        file: 'work.js',
        timeoutMs: 60_000,
        retryAfterMs: [],
        run: async ({ payload }: { readonly payload: Uint8Array }) => run(Buffer.from(payload).toString()),
      };
      const worker = new Worker({ queue, log: SILENT, rules: [rule], concurrency, functionConcurrency: concurrency });
      worker.start();
      stop = () => worker.close(1000);
    },
    async close() {
      await stop();
      await store.close();
    },
  };
};

const RULE = 'netlify/work-background';

/** No log: a server writes two lines for each request and job, but BullMQ, a library, writes none. */
const SILENT: Log = { info() {}, warn() {}, error() {}, access() {}, reopen() {}, async close() {} };

async function load(...files: readonly string[]): Promise<Built> {
  const modules = await Promise.all(
    files.map((file) => import(pathToFileURL(join(import.meta.dirname, '../../dist', file)).href)),
  );
  return Object.assign({}, ...modules) as Built; // the built files have the types of their sources
}
