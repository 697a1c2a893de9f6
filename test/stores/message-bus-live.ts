import { hash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const KEYS = { PROXY_REGO_KEY: 'R', LIST_KEY_PREFIX: 'P', LIST_KEY_SUFFIX: 'pod', REDIS_HOST: '127.0.0.1' };

test('updateenvironment on the bus reloads the site; an outage of the bus affects no request and does not delay the shutdown', async (t) => {
  const redis = await startRedis(t);
  const site = await siteFolder(t, { '.env': 'BUS_SAYS=old', 'cloud-functions/a.js': says() });
  const { url, close } = await startEdge(t, { site, env: { ...KEYS, REDIS_PORT: String(redis.port) } });
  const read = async () => (await fetch(`${url}/a`)).text();
  t.is(await read(), 'old');

  await writeFile(join(site, '.env'), 'BUS_SAYS=new');
  await redis.call('LPUSH', `P-${hash('sha1', 'pod', 'hex')}`, '{"message_type":"updateenvironment"}');
  await untilResult(read, (text) => text === 'new');

  await redis.kill();
  t.is(await read(), 'new');
  t.is((await fetch(`${url}/.well-known/nexthop/ready`)).status, 200);
  const startedAtMs = performance.now();
  await close();
  t.true(performance.now() - startedAtMs < SOON_MS);
});

function says(): string {
  return 'export const onRequest = ({ env }) => new Response(env.BUS_SAYS);';
}
