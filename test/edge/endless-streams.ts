import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** Streams 64 KiB for ever, and records when the stream is cancelled. */
const ENDLESS = (name: string) => `export const onRequest = () => {
  const seen = globalThis.endlessStreams.${name};
  return new Response(new ReadableStream({
    async pull(controller) { await new Promise(setImmediate); seen.bytes += 65536; controller.enqueue(new Uint8Array(65536)); },
    cancel() { seen.cancelled.resolve(); },
  })); };`;

interface Seen {
  bytes: number;
  readonly cancelled: PromiseWithResolvers<void>;
}

test('a stream that never ends is cancelled when its client leaves or does not read; other requests are answered', async (t) => {
  const streams = { leaves: toSeen(), neverReads: toSeen() };
  Object.assign(globalThis, { endlessStreams: streams });
  const site = await siteFolder(t, {
    'cloud-functions/leaves.js': ENDLESS('leaves'),
    'cloud-functions/never-reads.js': ENDLESS('neverReads'),
    'cloud-functions/good.js': "export const onRequest = () => new Response('good');",
  });
  const { url, connect, accessLines } = await startEdge(t, { site, env: { CLIENT_IDLE_TIMEOUT: '500ms' } });
  const readGood = async () => (await fetch(`${url}/good`)).text();

  const left = new AbortController();
  const response = await fetch(`${url}/leaves`, { signal: left.signal });
  await response.body?.getReader().read();
  t.is(await readGood(), 'good');
  left.abort();
  await streams.leaves.cancelled.promise;

  const deaf = await connect();
  deaf.socket.pause();
  deaf.write('GET /never-reads HTTP/1.1\r\nHost: a\r\n\r\n');
  t.is(await readGood(), 'good');
  await streams.neverReads.cancelled.promise;
  t.true(streams.neverReads.bytes < 64 * 1024 ** 2, `${streams.neverReads.bytes} bytes for a client that reads none`);
  t.is(await readGood(), 'good');

  const { bytes } = streams.leaves;
  t.is(await readGood(), 'good');
  t.is(streams.leaves.bytes, bytes, 'nothing is read from a cancelled stream');
  const lines = (await accessLines(6)).filter(({ request }) => !request?.includes('/good'));
  t.deepEqual(
    lines.map(({ request, status, fault }) => [request, status, fault]),
    [
      ['GET /leaves HTTP/1.1', '200', 'client_left'],
      ['GET /never-reads HTTP/1.1', '200', 'client_left'],
    ],
  );
});

function toSeen(): Seen {
  return { bytes: 0, cancelled: Promise.withResolvers() };
}
