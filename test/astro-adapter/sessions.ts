import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type EntryProcess, startEntry } from '../helpers/astro-entry.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { untilResult } from '../helpers/until-told.ts';

const OURS = { adapter: 'nexthop/astro', options: { mode: 'standalone' } } as const;

/** Visits the counter and resolves with what it says, and with the cookie of the session. */
async function visit({ url }: EntryProcess, cookie = ''): Promise<{ count: string; cookie: string }> {
  const answer = await fetch(`${url}/counter`, { headers: { cookie } });
  const [told = cookie] = (answer.headers.get('set-cookie') ?? '').split(';', 1);
  const count = /<p id="count">(\d+)</.exec(await answer.text())?.[1] ?? `status ${answer.status}`;
  return { count, cookie: told || cookie };
}

/** Visits it until it has counted an earlier visit: Astro writes a session behind its answer. */
async function countAgain(server: EntryProcess, cookie: string, atLeast = 2): Promise<number> {
  const count = async () => Number((await visit(server, cookie)).count);
  return untilResult(count, (told) => told >= atLeast);
}

async function end({ child, exited }: EntryProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await exited;
}

for (const major of [5, 7] as const) {
  test(`Astro ${major}: sessions are kept in the folder of the site without a word in its configuration, and outlive the process`, async (t) => {
    const root = await astroSite(t, { major, ...OURS });
    const first = await startEntry(t, root, { env: { DATA_DIR: '' } });
    const { cookie } = await visit(first);
    await countAgain(first, cookie);
    await end(first, 'SIGKILL');

    // Started elsewhere, it is the same site.
    const second = await startEntry(t, root, { env: { DATA_DIR: '' }, cwd: root });

    t.true(Number((await visit(second, cookie)).count) > 1);
    t.true((await readdir(join(root, '.nexthop'))).length > 0);
  });

  test(`Astro ${major}: with REDIS_URL two processes share the sessions`, async (t) => {
    const root = await astroSite(t, { major, ...OURS });
    const redis = await startRedis(t);
    const [one, other] = await Promise.all([
      startEntry(t, root, { env: { REDIS_URL: redis.url } }),
      startEntry(t, root, { env: { REDIS_URL: redis.url } }),
    ]);

    const { cookie } = await visit(one);

    const seen = await countAgain(other, cookie);
    t.true((await countAgain(one, cookie, seen + 1)) > seen);
  });

  test(`Astro ${major}: a driver that the site names stays`, async (t) => {
    const driver = major === 5 ? 'memory' : { entrypoint: 'unstorage/drivers/memory' };
    const root = await astroSite(t, { major, ...OURS, config: { session: { driver } } });
    const server = await startEntry(t, root);

    const { cookie } = await visit(server);

    await countAgain(server, cookie);
    t.false(await hasText(join(root, 'dist/server'), 'nexthop/session'));
  });
}

test('Astro 7: a site that wants no sessions gets none', async (t) => {
  const root = await astroSite(t, { major: 7, ...OURS, config: { session: false } });
  const server = await startEntry(t, root);

  const { count, cookie } = await visit(server);

  t.is(count, '1');
  t.is(cookie, '');
  t.false(await hasText(join(root, 'dist/server'), 'nexthop/session'));
});

async function hasText(folder: string, text: string): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  return texts.some((each) => each.includes(text));
}
