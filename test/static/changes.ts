import { appendFile, open, rename, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';
import { openFileCount } from '../helpers/open-file-count.ts';
import { until } from '../helpers/until.ts';

const LARGE = 'x'.repeat(500_000);

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

  for (const length of [450_000, 400_000, 300_000]) {
    await truncate(join(server.root, 'public/a.txt'), length);
    const { fields, body } = await server.ask('/a.txt');
    t.is(fields['content-length'], String(length));
    t.is(body.length, length);
  }
  await until(() => openFileCount(server.root) === 0, 'all files to be closed');
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

test('a file that is overwritten in place while it is sent cuts the connection, its length being the same', async (t) => {
  const server = await serveFiles(t, { 'public/a.bin': 'x'.repeat(32 * 1024 ** 2) });
  const peer = await server.connect();
  peer.write('GET /a.bin HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.readHead();
  peer.socket.pause();

  await overwrite(join(server.root, 'public/a.bin'), 'y'.repeat(1024));
  peer.socket.resume();

  await peer.until(() => peer.closed !== undefined || peer.ended, 'the cut');
  t.true(peer.received.length < 32 * 1024 ** 2);
  t.is(server.faults[0]?.code, 'internal');
});

test('a file that is replaced while it is sent is sent as it was, to the end', async (t) => {
  const server = await serveFiles(t, { 'public/a.bin': 'x'.repeat(32 * 1024 ** 2), 'public/b.tmp': 'y' });
  const peer = await server.connect();
  peer.write('GET /a.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await peer.readHead();
  peer.socket.pause();

  await rename(join(server.root, 'public/b.tmp'), join(server.root, 'public/a.bin'));
  peer.socket.resume();

  t.is(await peer.readToEnd(), 'x'.repeat(32 * 1024 ** 2));
  t.deepEqual(server.faults, []);
});

for (const [title, size] of [
  ['small', 5000],
  ['middling', 300_000],
  ['large', 3_000_000],
] as const) {
  test(`a ${title} file that is overwritten in place again and again is never sent mixed, nor with the tag of another`, async (t) => {
    // In development each request looks anew.
    const server = await serveFiles(t, { 'public/a.bin': 'a'.repeat(size) }, undefined, { dev: true });
    const path = join(server.root, 'public/a.bin');
    const tags = new Map<string, string>();
    let isWriting = true;

    const readers = Array.from({ length: 3 }, async () => {
      while (isWriting) {
        const { status, fields, body } = await server.ask('/a.bin');
        // Cut, or refused: it is not taken for the file.
        if (status !== 200 || body.length !== size) continue;
        const letter = body.charAt(0);
        const isMixed = body !== letter.repeat(size);
        if (isMixed || tags.get(String(fields.etag)) === undefined)
          tags.set(String(fields.etag), isMixed ? 'mixed' : letter);
        t.is(tags.get(String(fields.etag)), letter);
      }
    });
    for (const letter of 'bcdefghijklm') {
      await overwrite(path, letter.repeat(size));
      const before = server.exchanges.length;
      await until(() => server.exchanges.length > before + 3, 'some requests');
      await server.ask('/a.bin');
    }
    isWriting = false;
    await Promise.all(readers);

    t.true(tags.size > 1);
  });
}

test('a file that is asked for while it is being written in pieces is sent when it is whole', async (t) => {
  const names = Array.from({ length: 20 }, (_, index) => `${index}.bin`);
  const old = 'a'.repeat(10_000);
  const server = await serveFiles(t, Object.fromEntries(names.map((name) => [`public/${name}`, old + old])));

  for (const [index, name] of names.entries()) {
    const handle = await open(join(server.root, 'public', name), 'r+');
    const startedAtMs = performance.now();
    await handle.write('b'.repeat(10_000), 0);
    const answer = server.ask(`/${name}`);
    await until(() => server.exchanges.length > index, 'the request');
    await handle.write('b'.repeat(10_000), 10_000);
    const tookMs = performance.now() - startedAtMs;
    await handle.close();

    const { body } = await answer;
    // Whoever pauses for longer than a file is watched leaves one that looks done.
    if (tookMs < 40) t.is(body.indexOf('a'), -1, name);
  }
});

test('a file that is written to all the time is refused, and served when that ends', async (t) => {
  const server = await serveFiles(t, { 'public/a.bin': 'a'.repeat(5000) });
  const handle = await open(join(server.root, 'public/a.bin'), 'r+');
  let isWriting = true;
  const writer = (async () => {
    for (let round = 0; isWriting; round++) await handle.write(String(round % 10), 0);
  })();

  const { status } = await server.ask('/a.bin');
  isWriting = false;
  await writer;
  await handle.close();

  t.is(status, 500);
  t.is(server.faults[0]?.code, 'internal');
  t.is((await server.ask('/a.bin')).status, 200);
  t.is(openFileCount(server.root), 0);
});

/** Without a new file, and without making it shorter in between. */
async function overwrite(path: string, text: string): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(text);
  await handle.close();
}

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
