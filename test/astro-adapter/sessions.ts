import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ownBuildWithOptions, ownBuildWithoutExtras } from '../helpers/astro-builds.ts';
import { type EntryProcess, startEntry } from '../helpers/astro-entry.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { untilResult } from '../helpers/until-result.ts';

const OURS = { adapter: 'nexthop/astro', options: { mode: 'standalone' } } as const;

interface Visit {
  readonly count: number;
  /** Cookie of the session; '' while there is none. */
  readonly cookie: string;
}

/** Requests the counter page. The count is NaN if the answer is an error. */
async function visit({ url }: EntryProcess, cookie = ''): Promise<Visit> {
  const answer = await fetch(`${url}/counter`, { headers: { cookie } });
  const [set = ''] = (answer.headers.get('set-cookie') ?? '').split(';', 1);
  const [, count] = /<p id="count">(\d+)</.exec(await answer.text()) ?? [];
  return { count: Number(count), cookie: set || cookie };
}

/**
 * Requests it until the answer is no error: a store that is too slow on a loaded machine costs a
 * visit, and the answer to that has no session.
 */
async function visitUntilCounted(server: EntryProcess, cookie = ''): Promise<Visit> {
  return untilResult(
    () => visit(server, cookie),
    ({ count }) => count > 0,
  );
}

async function end({ child, exited }: EntryProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await exited;
}

for (const major of [5, 7] as const) {
  test(`Astro ${major}: sessions need no configuration, are kept in the folder of the site, and outlive the process`, async (t) => {
    const root = await astroSite(t, { major, ...OURS });
    const first = await startEntry(t, root, { env: { DATA_DIR: '' } });
    const { count, cookie } = await visitUntilCounted(first);
    await end(first, 'SIGKILL');

    // Another working directory, but the same site.
    const second = await startEntry(t, root, { env: { DATA_DIR: '' }, cwd: root });

    const later = await visitUntilCounted(second, cookie);
    t.true(later.count > count);
    t.is(later.cookie, cookie);
    t.true((await readdir(join(root, '.nexthop'))).length > 0);
  });

  test(`Astro ${major}: with REDIS_URL two processes share the sessions`, async (t) => {
    const root = await astroSite(t, { major, ...OURS });
    const redis = await startRedis(t);
    const [one, other] = await Promise.all([
      startEntry(t, root, { env: { REDIS_URL: redis.url } }),
      startEntry(t, root, { env: { REDIS_URL: redis.url } }),
    ]);

    let last = await visitUntilCounted(one);
    for (const server of [other, one]) {
      const next = await visitUntilCounted(server, last.cookie);
      t.true(next.count > last.count);
      t.is(next.cookie, last.cookie);
      last = next;
    }
  });

  test(`Astro ${major}: a session driver that the site sets is used`, async (t) => {
    const root = await astroSite(t, ownBuildWithOptions(major));
    const server = await startEntry(t, root);

    const { cookie } = await visitUntilCounted(server);

    t.is((await visitUntilCounted(server, cookie)).count, 2);
    t.false(await hasText(join(root, 'dist/server'), 'nexthop/session'));
  });
}

test('Astro 7: a site with session: false has no sessions', async (t) => {
  const root = await astroSite(t, ownBuildWithoutExtras(7));
  const server = await startEntry(t, root);

  const { count, cookie } = await visit(server);

  t.is(count, 1);
  t.is(cookie, '');
  t.false(await hasText(join(root, 'dist/server'), 'nexthop/session'));
});

async function hasText(folder: string, text: string): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  return texts.some((each) => each.includes(text));
}
