import { hash } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { runNexthop, startNexthop } from '../helpers/process.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

/** As on the platforms, where code opens included files by their path in the site. */
const READS = `import { readFileSync } from 'node:fs';
const atLoad = readFileSync('data/text.txt', 'utf8');
export default () => new Response(atLoad + readFileSync('data/text.txt', 'utf8'));`;

test('functions open files by paths relative to the site, in whatever folder the server was started', async (t) => {
  const site = await siteFolder(t, { 'netlify/functions/read.mjs': READS, 'data/text.txt': 'a' });
  const { port, output } = await startNexthop(t, { site });

  t.is(await (await fetch(`http://127.0.0.1:${port}/.netlify/functions/read`)).text(), 'aa');
  t.notRegex(output(), /error/);

  const routes = await runNexthop(t, { args: ['routes', site] });
  t.is(await routes.exited, 0, routes.output());
});

test('functions open files of the new site after its folder was replaced and the site was read again', async (t) => {
  const redis = await startRedis(t);
  const bus = {
    PROXY_REGO_KEY: 'R',
    LIST_KEY_PREFIX: 'P',
    LIST_KEY_SUFFIX: 'pod',
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redis.port),
  };
  const site = await siteFolder(t, { 'netlify/functions/read.mjs': READS, 'data/text.txt': 'a' });
  const dataDir = await siteFolder(t);
  const { port } = await startNexthop(t, { site, env: { ...bus, DATA_DIR: dataDir } });
  const read = async () => (await fetch(`http://127.0.0.1:${port}/.netlify/functions/read`)).text();
  t.is(await read(), 'aa');

  await mkdir(join(`${site}-new`, 'netlify/functions'), { recursive: true });
  await mkdir(join(`${site}-new`, 'data'));
  await writeFile(join(`${site}-new`, 'netlify/functions/read.mjs'), `globalThis.isChanged = true;\n${READS}`);
  await writeFile(join(`${site}-new`, 'data/text.txt'), 'b');
  await rm(site, { recursive: true });
  await rename(`${site}-new`, site);
  await redis.call('LPUSH', `P-${hash('sha1', 'pod', 'hex')}`, '{"message_type":"updateenvironment"}');

  await untilResult(read, (text) => text === 'bb');
  t.pass();
});
