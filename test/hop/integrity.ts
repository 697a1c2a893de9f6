import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Random } from '../helpers/differential/random.ts';
import { startEdge } from '../helpers/edge.ts';
import { listen } from '../helpers/listen.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const CLIENTS = 16;
const REQUESTS = 12;
const LARGEST = 400_000;

/** Sockets share memory for their reads: a part that is kept for too long would have the bytes of another connection. */
const SITE = {
  'cloud-functions/stream.js': 'export const onRequest = ({ request }) => new Response(request.body);',
  'cloud-functions/whole.js':
    'export const onRequest = async ({ request }) => new Response(await request.arrayBuffer());',
  'cloud-functions/app/[[default]].js': `const app = (request, response) => {
      if (request.url.endsWith('/pipe')) return void request.pipe(response);
      const pieces = [];
      request.on('data', (piece) => pieces.push(piece)).on('end', () => setImmediate(() => response.end(Buffer.concat(pieces))));
    };
    export default Object.assign(app, { use() {}, handle() {} });`,
};
const TARGETS = ['/stream', '/whole', '/app/pipe', '/app/late', '/hop'];

test('under load each client gets the bytes that it sent, whatever answers', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const hop = await echoServer(t);
  const site = await siteFolder(t, SITE);
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop, BODY: 'stream', FUNCTION_BODY_LIMIT: '0' } });

  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let round = 0; round < REQUESTS; round++) {
        const sent = pattern(client * REQUESTS + round, smallMoreOften(random));
        const target = random.pick(TARGETS);
        const got = await post(`${edge.url}${target}`, sent, random);
        t.true(got.equals(sent), `${target}: ${sent.length} bytes sent, ${got.length} received, client ${client}`);
      }
    }),
  );
});

/** Up to LARGEST; half of the numbers are below an eighth of it. */
function smallMoreOften(random: Random): number {
  return Math.floor((random.below(LARGEST) / LARGEST) ** 3 * LARGEST);
}

/** Bytes that no other request has in the same order. */
function pattern(id: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32BE((id << 18) | (at >> 2), at);
  return bytes;
}

/** Sends the bytes in pieces, and reads the response with pauses. */
async function post(url: string, bytes: Buffer, random: Random): Promise<Buffer> {
  const sending = request(url, { method: 'POST', headers: { 'Content-Length': bytes.length } });
  const answered = once(sending, 'response');
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + 1 + random.below(100_000));
    at += piece.length;
    if (!sending.write(piece)) await once(sending, 'drain');
    if (random.oneIn(3)) await turn();
  }
  sending.end();
  const [response] = await answered;
  const pieces: Buffer[] = [];
  for await (const piece of response) {
    pieces.push(piece);
    if (random.oneIn(3)) for (let turns = 0; turns < 5; turns++) await turn();
  }
  return Buffer.concat(pieces);
}

async function echoServer(t: ExecutionContext): Promise<string> {
  const server = createServer((incoming, response) => incoming.pipe(response));
  return listen(t, server);
}
