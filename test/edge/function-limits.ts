import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const NEVER = 'export const onRequest = () => new Promise(() => {});';

test('FUNCTION_BODY_LIMIT limits functions; a body for the hop may be as large as BODY_LIMIT', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readUntil('12345678901');
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  const site = await siteFolder(t, { 'cloud-functions/f.js': 'export const onRequest = () => "called";' });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url, FUNCTION_BODY_LIMIT: '10', BODY_LIMIT: '100' } });
  const post = (path: string) =>
    edge.exchange(`POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 11\r\n\r\n12345678901`);

  t.regex(await post('/f'), /^HTTP\/1\.1 413 /);
  t.regex(await post('/other'), /^HTTP\/1\.1 200 /);
});

test('a request whose function does not answer within FUNCTION_TIMEOUT gets 504, and the log has the file', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/f.js': NEVER });
  const edge = await startEdge(t, { site, env: { FUNCTION_TIMEOUT: '50ms' } });

  const { status } = await fetch(`${edge.url}/f`);

  t.is(status, 504);
  const [line] = await edge.accessLines(1);
  t.like(line, { fault: 'function_timeout', fault_origin: 'function', target: 'cloud-functions/f.js' });
});

test('maxDuration of edgeone.json replaces FUNCTION_TIMEOUT', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/f.js': NEVER,
    'edgeone.json': '{ "cloudFunctions": { "nodejs": { "maxDuration": 0.05 } } }',
  });
  const edge = await startEdge(t, { site, env: { FUNCTION_TIMEOUT: '1h' } });

  t.is((await fetch(`${edge.url}/f`)).status, 504);
});
