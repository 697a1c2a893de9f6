import { appendFile, rename, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';
import { openFileCount } from '../helpers/open-file-count.ts';
import { until } from '../helpers/until.ts';

const LARGE = 'x'.repeat(300_000);

for (const [title, text] of [
  ['small', 'hello'],
  ['large', LARGE],
] as const) {
  test(`a ${title} file that becomes longer is soon served whole, with another tag`, async (t) => {
    const server = await serveFiles(t, { 'public/a.txt': text });
    const { fields } = await server.ask('/a.txt');

    await appendFile(join(server.root, 'public/a.txt'), 'more');

    const changed = await untilChanged(server, fields.etag);
    t.is(changed.body, `${text}more`);
    t.is(changed.fields['content-length'], String(text.length + 4));
  });

  test(`a ${title} file that is replaced by one of the same size is soon served`, async (t) => {
    const server = await serveFiles(t, { 'public/a.txt': text });
    const { fields } = await server.ask('/a.txt');

    await writeFile(join(server.root, 'public/b.tmp'), text.replaceAll(/./g, 'y'));
    await rename(join(server.root, 'public/b.tmp'), join(server.root, 'public/a.txt'));

    t.regex((await untilChanged(server, fields.etag)).body, /^y+$/);
  });
}

test('a large file that changed a moment ago is never sent with the old length', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': LARGE });
  await server.ask('/a.txt');

  for (const length of [200_000, 100_000, 70_000]) {
    await truncate(join(server.root, 'public/a.txt'), length);
    const { fields, body } = await server.ask('/a.txt');
    t.is(fields['content-length'], String(length));
    t.is(body.length, length);
  }
  t.is(openFileCount(server.root), 0);
});

test('a file that is replaced by one of the same size and time is soon served', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': 'hello', 'public/b.tmp': 'hallo' });
  const [old, fresh] = ['a.txt', 'b.tmp'].map((name) => join(server.root, 'public', name)) as [string, string];
  for (const path of [old, fresh]) await utimes(path, 1, 1);
  const { fields } = await server.ask('/a.txt');

  await rename(fresh, old);

  t.is((await untilChanged(server, fields.etag)).body, 'hallo');
});

test('a file whose time alone changed keeps its tag', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': LARGE });
  const { fields } = await server.ask('/a.txt');
  await utimes(join(server.root, 'public/a.txt'), 1, 1);

  const after = await server.ask('/a.txt');
  t.is(after.fields.etag, fields.etag);
  t.is(after.fields['last-modified'], 'Thu, 01 Jan 1970 00:00:01 GMT');
});

test('a file that becomes shorter while it is sent cuts the connection', async (t) => {
  const server = await serveFiles(t, { 'public/a.bin': 'x'.repeat(32 * 1024 ** 2) });
  const peer = await server.connect();
  peer.write('GET /a.bin HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.readHead();
  peer.socket.pause();

  await truncate(join(server.root, 'public/a.bin'), 1024);
  peer.socket.resume();

  await peer.until(() => peer.closed !== undefined || peer.ended, 'the cut');
  t.true(peer.received.length < 32 * 1024 ** 2);
  t.is(server.faults[0]?.code, 'internal');
});

async function untilChanged(server: FileServer, etag: string | undefined) {
  let answer = await server.ask('/a.txt');
  let asking = false;
  await until(() => {
    if (answer.fields.etag !== etag) return true;
    if (!asking) {
      asking = true;
      void server.ask('/a.txt').then((next) => {
        answer = next;
        asking = false;
      });
    }
    return false;
  }, 'the changed file');
  return answer;
}
