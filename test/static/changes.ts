import { appendFile, open, rename, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';
import { openFileCount } from '../helpers/open-files.ts';
import { until } from '../helpers/until.ts';

const LARGE = 'x'.repeat(500_000);

for (const [title, text] of [
  ['small', 'hello'],
  ['large', LARGE],
] as const) {
  test(`a ${title} file that becomes longer is soon served completely, with another tag`, async (t) => {
    const server = await serveFiles(t, { 'public/a.txt': text });
    const { headers } = await server.fetch('/a.txt');

    await appendFile(join(server.root, 'public/a.txt'), 'more');

    const changed = await untilChanged(server, headers.etag);
    t.is(changed.body, `${text}more`);
    t.is(changed.headers['content-length'], String(text.length + 4));
  });

  test(`the replacement of a ${title} file with the same size is soon served`, async (t) => {
    const server = await serveFiles(t, { 'public/a.txt': text });
    const { headers } = await server.fetch('/a.txt');

    await writeFile(join(server.root, 'public/b.tmp'), text.replaceAll(/./g, 'y'));
    await rename(join(server.root, 'public/b.tmp'), join(server.root, 'public/a.txt'));

    t.regex((await untilChanged(server, headers.etag)).body, /^y+$/);
  });
}

test('a large file that changed a moment ago is never sent with the old length', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': LARGE });
  await server.fetch('/a.txt');

  for (const length of [450_000, 400_000, 300_000]) {
    await truncate(join(server.root, 'public/a.txt'), length);
    const { headers, body } = await server.fetch('/a.txt');
    t.is(headers['content-length'], String(length));
    t.is(body.length, length);
  }
  await until(() => openFileCount(server.root) === 0, 'all files to be closed');
});

test('the replacement of a file with the same size and time is soon served', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': 'hello', 'public/b.tmp': 'hallo' });
  const [old, fresh] = ['a.txt', 'b.tmp'].map((name) => join(server.root, 'public', name)) as [string, string];
  for (const path of [old, fresh]) await utimes(path, 1, 1);
  const { headers } = await server.fetch('/a.txt');

  await rename(fresh, old);

  t.is((await untilChanged(server, headers.etag)).body, 'hallo');
});

test('a file of which only the time changed keeps its tag', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': LARGE });
  const { headers } = await server.fetch('/a.txt');
  await utimes(join(server.root, 'public/a.txt'), 1, 1);

  const after = await server.fetch('/a.txt');
  t.is(after.headers.etag, headers.etag);
  t.is(after.headers['last-modified'], 'Thu, 01 Jan 1970 00:00:01 GMT');
});

test('the connection is cut when a file becomes shorter while it is sent', async (t) => {
  const server = await serveFiles(t, { 'public/a.bin': 'x'.repeat(32 * 1024 ** 2) });
  const peer = await server.connect();
  peer.write('GET /a.bin HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.readHead();
  peer.socket.pause();

  await truncate(join(server.root, 'public/a.bin'), 1024);
  peer.socket.resume();

  await peer.until(() => peer.closed !== undefined || peer.ended, 'the connection to be cut');
  t.true(peer.received.length < 32 * 1024 ** 2);
  t.is(server.faults[0]?.code, 'internal');
});

test('the connection is cut when a file is overwritten in place with the same length while it is sent', async (t) => {
  const server = await serveFiles(t, { 'public/a.bin': 'x'.repeat(32 * 1024 ** 2) });
  const peer = await server.connect();
  peer.write('GET /a.bin HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.readHead();
  peer.socket.pause();

  await overwrite(join(server.root, 'public/a.bin'), 'y'.repeat(1024));
  peer.socket.resume();

  await peer.until(() => peer.closed !== undefined || peer.ended, 'the connection to be cut');
  t.true(peer.received.length < 32 * 1024 ** 2);
  t.is(server.faults[0]?.code, 'internal');
});

test('a file that is replaced while it is sent is sent with its old content to the end', async (t) => {
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
  test(`a ${title} file that is overwritten in place repeatedly is never sent mixed or with the tag of other content`, async (t) => {
    // In development each request checks the file.
    const server = await serveFiles(t, { 'public/a.bin': 'a'.repeat(size) }, undefined, { dev: true });
    const path = join(server.root, 'public/a.bin');
    const tags = new Map<string, string>();
    let isWriting = true;

    const readers = Array.from({ length: 3 }, async () => {
      while (isWriting) {
        const { status, headers, body } = await server.fetch('/a.bin');
        // Cut or 500: the client does not take it for the file.
        if (status !== 200 || body.length !== size) continue;
        const letter = body.charAt(0);
        const isMixed = body !== letter.repeat(size);
        if (isMixed || tags.get(String(headers.etag)) === undefined)
          tags.set(String(headers.etag), isMixed ? 'mixed' : letter);
        t.is(tags.get(String(headers.etag)), letter);
      }
    });
    for (const letter of 'bcdefghijklm') {
      await overwrite(path, letter.repeat(size));
      const before = server.exchanges.length;
      await until(() => server.exchanges.length > before + 3, 'some requests');
      await server.fetch('/a.bin');
    }
    isWriting = false;
    await Promise.all(readers);

    t.true(tags.size > 1);
  });
}

test('a file that is requested while it is written in pieces is sent when it is complete', async (t) => {
  const names = Array.from({ length: 20 }, (_, index) => `${index}.bin`);
  const old = 'a'.repeat(10_000);
  const server = await serveFiles(t, Object.fromEntries(names.map((name) => [`public/${name}`, old + old])));

  for (const [index, name] of names.entries()) {
    const handle = await open(join(server.root, 'public', name), 'r+');
    const startedAtMs = performance.now();
    await handle.write('b'.repeat(10_000), 0);
    const answer = server.fetch(`/${name}`);
    await until(() => server.exchanges.length > index, 'the request');
    await handle.write('b'.repeat(10_000), 10_000);
    const tookMs = performance.now() - startedAtMs;
    await handle.close();

    const { body } = await answer;
    // After a longer pause than the wait, the file would look complete.
    if (tookMs < 40) t.is(body.indexOf('a'), -1, name);
  }
});

test('a file that is written to all the time gets 500, and is served when that ends', async (t) => {
  const server = await serveFiles(t, { 'public/a.bin': 'a'.repeat(5000) });
  const handle = await open(join(server.root, 'public/a.bin'), 'r+');
  let isWriting = true;
  const writer = (async () => {
    for (let round = 0; isWriting; round++) await handle.write(String(round % 10), 0);
  })();

  const { status } = await server.fetch('/a.bin');
  isWriting = false;
  await writer;
  await handle.close();

  t.is(status, 500);
  t.is(server.faults[0]?.code, 'internal');
  t.is((await server.fetch('/a.bin')).status, 200);
  t.is(openFileCount(server.root), 0);
});

/** Overwrites the file in place, without truncating it first. */
async function overwrite(path: string, text: string): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(text);
  await handle.close();
}

async function untilChanged(server: FileServer, etag: string | undefined) {
  let answer = await server.fetch('/a.txt');
  let asking = false;
  await until(() => {
    if (answer.headers.etag !== etag) return true;
    if (!asking) {
      asking = true;
      void server.fetch('/a.txt').then((next) => {
        answer = next;
        asking = false;
      });
    }
    return false;
  }, 'the changed file');
  return answer;
}
