import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { renamedBuild } from '../helpers/astro-builds.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { CHILD_ENV } from '../helpers/child-env.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { silentPort } from '../helpers/silent-port.ts';
import { untilResult } from '../helpers/until-result.ts';

for (const major of [5, 7] as const) {
  test(`sessions of Astro ${major} are kept in the store of the settings at run time, and outlive the process`, async (t) => {
    const root = await astroSite(t, renamedBuild(major));
    const redis = await startRedis(t);

    for (const env of [{ REDIS_URL: redis.url }, { DATA_DIR: join(root, 'data'), STORE_FSYNC: '0' }]) {
      const first = await serve(t, root, env);
      const cookie = await begin(first);
      t.is(await count(first, cookie), '2');
      first.end();

      const second = await serve(t, root, env);
      await untilResult(
        () => count(second, cookie),
        (text) => text === '3',
      );
      second.end();
    }
    t.is(((await redis.call('KEYS', '*shop*')) as string[]).length > 0, true);
  });

  test(`while Redis is away a page of Astro ${major} with a session fails within seconds, and other pages work`, async (t) => {
    const root = await astroSite(t, renamedBuild(major));
    const server = await serve(t, root, { REDIS_URL: `redis://127.0.0.1:${await silentPort(t)}` });

    const startedAtMs = performance.now();
    const answer = await fetch(`${server.url}/counter`);

    t.is(answer.status, 500);
    t.true(performance.now() - startedAtMs < SOON_MS);
    t.is((await fetch(`${server.url}/users/1`)).status, 200);
  });
}

interface Served {
  readonly url: string;
  end(): void;
}

/** A program that serves a build in middleware mode. */
const SERVER = `const { createServer } = await import('node:http');
  const { handler } = await import(process.argv[1]);
  const server = createServer((request, response) => handler(request, response));
  server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\\n'));`;

/**
 * Runs a build of Astro in a separate process with another working directory. Ended when the test
 * ends.
 */
async function serve(t: ExecutionContext, root: string, env: Readonly<Record<string, string>>): Promise<Served> {
  const entry = pathToFileURL(join(root, 'dist/code/start.mjs')).href;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SERVER, '--', entry], {
    cwd: '/',
    env: { ...CHILD_ENV, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const end = (): void => void child.kill('SIGKILL');
  t.teardown(end);
  for await (const line of createInterface({ input: child.stdout })) {
    return { url: `http://127.0.0.1:${line}`, end };
  }
  throw new Error('the server has not started');
}

/** Resolves with the cookie of a session that has counted one visit. */
async function begin({ url }: Served): Promise<string> {
  const ask = () => fetch(`${url}/counter`);
  const answer = await untilResult(ask, ({ status }) => status === 200);
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';', 1);
  return cookie;
}

async function count({ url }: Served, cookie: string): Promise<string> {
  const answer = await fetch(`${url}/counter`, { headers: { cookie } });
  return /<p id="count">(\d+)</.exec(await answer.text())?.[1] ?? `status ${answer.status}`;
}
