import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { startNexthop } from '../../../helpers/process.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const MB = 2 ** 20;
const GROWTH_MB = 32;

/** Stores a body, sends it, and says how much memory its process had at most since the last such question. */
const BLOB = `
  import { getStore } from '@netlify/blobs';
  let peak = 0;
  setInterval(() => { peak = Math.max(peak, process.memoryUsage.rss()); }, 5).unref();
  export default async (request) => {
    if (request.method === 'PUT') return Response.json(await getStore('things').set('key', request.body));
    if (request.method === 'GET') return new Response(await getStore('things').get('key', { type: 'stream' }));
    const answer = new Response(String(peak));
    peak = 0;
    return answer;
  };
  export const config = { path: '/blob' };`;

test('a long blob is set and sent through HTTP in constant memory', async (t) => {
  const site = await siteFolder(t, { 'netlify/functions/blob.mjs': BLOB });
  await symlink(join(import.meta.dirname, '../../../../node_modules'), join(site, 'node_modules'));
  // As npm and the supervisor start Node.
  const heap = { NODE_OPTIONS: '--max-semi-space-size=8' };
  const env = { ...heap, WORKERS: '0', STORE_FSYNC: '0', FUNCTION_BODY_LIMIT: '0', FUNCTION_STREAM_LIMIT: '0' };
  const { port } = await startNexthop(t, { site, env });
  const url = `http://127.0.0.1:${port}/blob`;
  const peakMb = async (): Promise<number> => Number(await (await fetch(url, { method: 'POST' })).text()) / MB;

  t.is(await put(url, 4), 200);
  t.is(await get(url), 4);
  const before = await peakMb();
  t.is(await put(url, 128), 200);
  const afterSet = await peakMb();
  t.is(await get(url), 128);
  const afterGet = await peakMb();

  for (const growth of [afterSet - before, afterGet - before]) t.true(growth <= GROWTH_MB, `${growth} MB`);
});

/** Sends MB that each consist of their number. */
async function put(url: string, count: number): Promise<number | undefined> {
  const sent = request(url, { method: 'PUT', headers: { 'content-length': count * MB } });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>; // Node's own event
  for (let at = 0; at < count; at++) if (!sent.write(Buffer.alloc(MB, at))) await once(sent, 'drain');
  sent.end();
  const [response] = await answered;
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

/** The number of MB that arrived and that were stored so. */
async function get(url: string): Promise<number> {
  const [response] = (await once(request(url).end(), 'response')) as [IncomingMessage]; // Node's own event
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += 4096) {
      if (chunk[at] !== Math.floor((bytes + at) / MB) % 256) return -1;
    }
    bytes += chunk.length;
  }
  return bytes / MB;
}
