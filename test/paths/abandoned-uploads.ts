import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const LEAVING = [
  ['ends its connection', (client: Peer) => client.end()],
  ['resets its connection', (client: Peer) => client.reset()],
] as const;

/** Heads of uploads with the received part of their bodies. */
const UPLOADS = [
  ['in the middle of a body with a length', 'Content-Length: 10\r\n\r\nhello'],
  ['before the first byte of a body with a length', 'Content-Length: 10\r\n\r\n'],
  ['between two chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
  ['inside of a chunk', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhe'],
  ['before the first chunk', 'Transfer-Encoding: chunked\r\n\r\n'],
  ['before the end of the last chunk', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n'],
] as const;

const SITE = {
  'cloud-functions/quick.js': 'export function onRequest() { return new Response("quick"); }',
  'cloud-functions/reads.js':
    'export async function onRequest({ request }) { return new Response(await request.text()); }',
  'cloud-functions/waits.js': 'export function onRequest() { return new Promise(() => {}); }',
  'netlify/functions/reads.mjs': 'export default async (request) => new Response(await request.text());',
};

for (const [leaving, leave] of LEAVING) {
  for (const [moment, upload] of UPLOADS) {
    for (const path of ['/hop', '/reads', '/waits', '/.netlify/functions/reads']) {
      test(`a client that ${leaving} ${moment} of ${path} is logged as 499`, async (t) => {
        const hop = await scriptedHop(t, () => undefined);
        const edge = await startEdge(t, { site: await siteFolder(t, SITE), env: { NEXT_HOP: hop.url } });
        const client = await edge.connect();
        // Both requests arrive in one packet, so the response to the first shows that the second was received.
        client.write(`GET /quick HTTP/1.1\r\nHost: a\r\n\r\nPOST ${path} HTTP/1.1\r\nHost: a\r\n${upload}`);
        await client.readUntil('quick');

        leave(client);

        const [, line] = await edge.accessLines(2);
        t.like(line, { status: '499', fault: 'client_left', fault_origin: 'client', response_body_bytes: '0' });
        await client.until(() => client.closed !== undefined);
        t.is(client.rest, '');
        t.deepEqual(
          (await edge.errorLines()).filter(({ level }) => level !== 'info'),
          [],
        );
      });
    }
  }
}

test('an upload that a client cancels ends at the hop without a last chunk', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  const [peer] = await hop.connections(1);
  await peer?.readUntil('hello');

  client.end();

  await peer?.until(() => peer.ended || peer.closed !== undefined, 'the end of the connection to the hop');
  t.false(peer?.received.endsWith('0\r\n\r\n'));
  const [line] = await edge.accessLines(1);
  t.is(line?.status, '499');
});

for (const [what, request] of [
  ['a static file', 'GET /page.txt'],
  ['a function that reads no body', 'POST /quick'],
] as const) {
  for (const [moment, upload] of UPLOADS) {
    test(`after the response of ${what}, a client that ends ${moment} gets no second response`, async (t) => {
      const site = await siteFolder(t, { ...SITE, 'public/page.txt': 'quick', 'package.json': '{}' });
      const edge = await startEdge(t, { site });
      const client = await edge.connect();
      client.write(`${request} HTTP/1.1\r\nHost: a\r\n${upload}`);
      await client.readUntil('quick');

      client.end();

      t.is(await client.readToEnd(), '');
      const [line] = await edge.accessLines(1);
      t.like(line, { status: '200', fault: '' });
    });
  }
}

for (const [what, body] of [
  ['a chunk size that is not a number', 'Transfer-Encoding: chunked\r\n\r\nxyz\r\n'],
  ['a chunk without its line end', 'Transfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n'],
] as const) {
  test(`an upload with ${what} gets 400`, async (t) => {
    const edge = await startEdge(t, { site: await siteFolder(t, SITE) });

    const answer = await edge.exchange(`POST /reads HTTP/1.1\r\nHost: a\r\n${body}`);

    t.regex(answer, /^HTTP\/1\.1 400 /);
    const [line] = await edge.accessLines(1);
    t.like(line, { status: '400', fault: 'bad_request' });
  });
}

test('a request whose head ends in the middle gets 400', async (t) => {
  const edge = await startEdge(t);
  const client = await edge.connect();

  client.end('GET / HTTP/1.1\r\nHos');

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 400 /);
});
