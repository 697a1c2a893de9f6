import test from 'ava';
import { createMiddleware } from '../../src/index.ts';
import { startNexthop } from '../helpers/process.ts';
import { project } from '../helpers/project.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const SHOWN = {
  'cloud-functions/env.js': `const atLoad = process.env.NODE_ENV;
    export const onRequest = ({ env }) => new Response([atLoad, process.env.NODE_ENV, env.NODE_ENV].join(' '));`,
};

for (const [what, env, dotEnv, shown] of [
  ['sees production without NODE_ENV', {}, '', 'production'],
  ['sees production with an empty NODE_ENV', { NODE_ENV: '' }, '', 'production'],
  ['sees development with DEV=1', { DEV: '1' }, '', 'development'],
  ['sees the NODE_ENV of the process', { NODE_ENV: 'staging', DEV: '1' }, 'NODE_ENV=test', 'staging'],
  ['sees the NODE_ENV of its .env', { DEV: '1' }, 'NODE_ENV=test', 'test'],
  ['sees production with an empty NODE_ENV in its .env', {}, 'NODE_ENV=', 'production'],
] as const) {
  test(`code of a site ${what}, also during its load`, async (t) => {
    const site = await siteFolder(t, { ...SHOWN, '.env': dotEnv });
    const { port } = await startNexthop(t, { site, env });

    t.is(await (await fetch(`http://127.0.0.1:${port}/env`)).text(), `${shown} ${shown} ${shown}`);
  });
}

test('the error page of Express has no stack and no path', async (t) => {
  const { root } = await project(t, {
    'cloud-functions/[[all]].js': `import express from 'express';
      const app = express();
      app.get('/boom', () => { throw new Error('secret plan'); });
      export default app;`,
  });
  const { port } = await startNexthop(t, { site: root });

  const response = await fetch(`http://127.0.0.1:${port}/boom`);

  t.is(response.status, 500);
  t.notRegex(await response.text(), /secret plan|\.js|node_modules/);
});

test('createMiddleware does not set NODE_ENV of the host', async (t) => {
  const before = process.env.NODE_ENV;
  delete process.env.NODE_ENV;
  t.teardown(() => {
    process.env.NODE_ENV = before;
  });
  const nexthop = await createMiddleware({ site: await siteFolder(t, SHOWN) });

  t.is(process.env.NODE_ENV, undefined);
  await nexthop.close();
});
