import test from 'ava';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';
import { openFileCount } from '../helpers/open-files.ts';
import { until } from '../helpers/until.ts';

const LARGE = 'x'.repeat(8 * 1024 ** 2);
const GET = 'GET /a.bin HTTP/1.1\r\nHost: a\r\n\r\n';

test('a thousand downloads that clients cancel leave no file open', async (t) => {
  const server = await serveFiles(t, { 'public/a.bin': LARGE });

  for (let round = 0; round < 50; round++) {
    await Promise.all(Array.from({ length: 20 }, (_, index) => breakOff(server, index % 2 === 0)));
  }

  await until(() => openFileCount(server.root) === 0, 'all files to be closed');
  t.is(server.exchanges.length, 1000);
  t.deepEqual(server.faults, []);
});

test('a client that leaves while an earlier response on its connection waits leaves no file open', async (t) => {
  const server = await serveFiles(t, { 'public/a.bin': LARGE });
  const peer = await server.connect();
  peer.socket.pause();
  peer.write(GET.repeat(3));
  await until(() => openFileCount(server.root) === 1, 'the first download');

  peer.reset();

  await until(() => openFileCount(server.root) === 0, 'all files to be closed');
  t.deepEqual(server.faults, []);
});

test('a client that stops reading keeps little of the file in memory, and gets the rest when it continues', async (t) => {
  const server = await serveFiles(t, { 'public/a.bin': LARGE.repeat(4) });
  const peer = await server.connect();
  peer.socket.pause();
  peer.write(GET);
  await until(() => server.exchanges[0]?.response.needsDrain === true, 'the connection to be full');

  const other = await server.connect();
  other.write(GET);
  await other.until(() => other.received.length > LARGE.length * 4, 'another download meanwhile');
  t.true((server.exchanges[0]?.socket.writableLength ?? 0) < 1024 ** 2);
  peer.socket.resume();
  await peer.until(() => peer.received.length > LARGE.length * 4, 'the rest');
  await until(() => openFileCount(server.root) === 0, 'the file to be closed');
});

async function breakOff(server: FileServer, afterHead: boolean): Promise<void> {
  const peer = await server.connect();
  peer.write(GET);
  if (afterHead) await peer.readHead();
  peer.reset();
}
