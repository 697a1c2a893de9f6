import { type ChildProcess, spawn } from 'node:child_process';
import { access, rename } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type AstroSetup, astroCli, astroEnv, astroSite, astroSources } from '../helpers/astro-site.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { untilResult } from '../helpers/until-result.ts';

const OURS = { adapter: 'nexthop/astro', options: { mode: 'standalone' } } as const;

interface Command {
  readonly child: ChildProcess;
  /** Resolves with the first match in its output; rejects when it ends without one. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Runs `astro …` in a folder with the sources of a site. Ended when the test ends. */
function astro(
  t: ExecutionContext,
  root: string,
  setup: AstroSetup,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Command {
  const child = spawn(process.execPath, [astroCli(setup.major), ...args], {
    cwd: root,
    env: { ...astroEnv(setup), STORE_FSYNC: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let look = (): void => {};
  const onData = (chunk: Buffer): void => {
    text += chunk;
    look();
  };
  child.stdout.on('data', onData);
  child.stderr.on('data', onData);
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  return {
    child,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const fail = (what: string): void => reject(new Error(`${what} ${pattern}; output: ${text}`));
        const timer = setTimeout(fail, PATIENCE_MS, 'no output in time matched');
        look = () => {
          const match = pattern.exec(text);
          if (!match) return;
          clearTimeout(timer);
          resolve(match);
        };
        void closed.then(() => fail('it ended before its output matched'));
        look();
      }),
  };
}

/** Requests the counter until it has counted an earlier request. Resolves with the first count above 1. */
async function countAgain(url: string): Promise<number> {
  let cookie = '';
  const count = async (): Promise<number> => {
    const answer = await fetch(`${url}/counter`, { headers: { cookie } });
    [cookie = ''] = (answer.headers.get('set-cookie') ?? cookie).split(';', 1);
    return Number(/id="count"[^>]*>(\d+)</.exec(await answer.text())?.[1]);
  };
  return untilResult(count, (counted) => counted > 1);
}

for (const major of [5, 7] as const) {
  const setup = { major, ...OURS };

  test(`astro dev of Astro ${major} answers with pages, sessions and secrets`, async (t) => {
    const root = await astroSources(t, setup);
    const env = { FIXTURE_SECRET: 'hush', DATA_DIR: join(root, 'data') };

    const dev = astro(t, root, setup, ['dev', '--host', '127.0.0.1'], env);
    const [, url = ''] = await dev.said(/(http:\/\/127\.0\.0\.1:\d+)/);

    t.regex(await (await fetch(`${url}/users/1`)).text(), /User 1/);
    t.regex(await (await fetch(`${url}/about`)).text(), /Prerendered/);
    t.is(await (await fetch(`${url}/api/secret`)).text(), 'hush');
    t.is(await countAgain(url), 2);
    await t.notThrowsAsync(access(join(root, 'data')));
  });

  for (const mode of ['standalone', 'middleware'] as const) {
    test(`astro preview of Astro ${major} serves a ${mode} build with the headers of the configuration`, async (t) => {
      const built: AstroSetup = {
        ...setup,
        options: { mode },
        config: { server: { headers: { 'x-preview': 'yes' } } },
      };
      const root = await astroSources(t, built);
      const site = await astroSite(t, { ...setup, options: { mode } });
      await rename(join(site, 'dist'), join(root, 'dist'));

      const preview = astro(t, root, built, ['preview', '--host', '127.0.0.1', '--port', '0']);
      const [, url = ''] = await preview.said(/listens on (http:\/\/127\.0\.0\.1:\d+)/);

      t.regex(await (await fetch(`${url}/users/1`)).text(), /User 1/);
      const page = await fetch(`${url}/about`);
      t.is(page.headers.get('x-preview'), 'yes');
      t.regex(await page.text(), /Prerendered/);
      t.is((await fetch(`${url}/nothing`)).status, 404);
      t.is(await countAgain(url), 2);
    });
  }

  test(`astro preview of Astro ${major} without a build says what to do`, async (t) => {
    const root = await astroSources(t, setup);

    const preview = astro(t, root, setup, ['preview']);

    await preview.said(/there is no build at .*dist\/server\/entry\.mjs: run astro build/);
    t.pass();
  });
}
