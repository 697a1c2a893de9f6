import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { serveFiles } from '../helpers/file-server.ts';

const FILES = {
  'public/a.js': 'plain',
  'public/a.js.br': 'brotli',
  'public/a.js.zst': 'zstandard',
  'public/a.js.gz': 'zip',
  'public/b.js': 'alone',
};

for (const [accept, expected] of [
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip, zstd', 'zstd'],
  ['zstd;q=0.9, gzip', 'gzip'],
  ['gzip', 'gzip'],
  ['X-GZIP', 'gzip'],
  ['*', 'br'],
  ['*;q=0.5, br;q=0', 'zstd'],
  ['*;q=0.5, br;q=0, zstd;q=0', 'gzip'],
  ['br;q=0.5, gzip;q=0.8', 'gzip'],
  ['br ; q=0.50 , gzip', 'gzip'],
  ['br;q=0, gzip;q=0.001', 'gzip'],
  ['gzip;q=0.5, identity', undefined],
  ['gzip;q=0.5, identity;q=0.5', 'gzip'],
  ['gzip;q=0.5, identity;q=0', 'gzip'],
  ['br;q=0, gzip;q=0', undefined],
  ['identity', undefined],
  ['deflate', undefined],
  ['identity;q=0, deflate', undefined],
  ['gzip;q=2', undefined],
  ['gzip;q=x', undefined],
  ['', undefined],
] as const) {
  test(`Accept-Encoding: "${accept}" gets ${expected ?? 'the uncompressed file'}`, async (t) => {
    const server = await serveFiles(t, FILES);
    const { headers, body } = await server.fetch('/a.js', { 'Accept-Encoding': accept });

    t.is(headers['content-encoding'], expected);
    t.is(body, { br: 'brotli', zstd: 'zstandard', gzip: 'zip', '': 'plain' }[expected ?? '']);
    t.like(headers, { vary: 'Accept-Encoding', 'content-type': 'text/javascript; charset=utf-8' });
  });
}

test('each form has its own tag, also in a 304, which has Vary, too', async (t) => {
  const server = await serveFiles(t, { 'public/a.js': 'same', 'public/a.js.br': 'same', 'public/a.js.gz': 'same' });
  const tags = await Promise.all(
    ['br', 'gzip', ''].map(async (accept) => (await server.fetch('/a.js', { 'Accept-Encoding': accept })).headers.etag),
  );
  const accept = { 'Accept-Encoding': 'br', 'If-None-Match': String(tags[0]) };

  t.is(new Set(tags).size, 3);
  t.like(await server.fetch('/a.js', accept), { status: 304, headers: { vary: 'Accept-Encoding', etag: tags[0] } });
  t.is((await server.fetch('/a.js', { ...accept, 'Accept-Encoding': 'gzip' })).status, 200);
});

test('a range is a range of the form that is sent', async (t) => {
  const server = await serveFiles(t, FILES);
  const { status, headers, body } = await server.fetch('/a.js', { 'Accept-Encoding': 'br', Range: 'bytes=1-3' });

  t.is(status, 206);
  t.like(headers, { 'content-encoding': 'br', 'content-range': 'bytes 1-3/6' });
  t.is(body, 'rot');
});

test('a file without precompressed forms has no Vary', async (t) => {
  const server = await serveFiles(t, FILES);
  const { headers, body } = await server.fetch('/b.js', { 'Accept-Encoding': 'br, gzip' });

  t.false('vary' in headers);
  t.is(body, 'alone');
});

test('a precompressed file that is requested by its own name is sent without Content-Encoding', async (t) => {
  const server = await serveFiles(t, FILES);
  const { headers, body } = await server.fetch('/a.js.gz', { 'Accept-Encoding': 'gzip' });

  t.is(headers['content-type'], 'application/gzip');
  t.false('content-encoding' in headers);
  t.is(body, 'zip');
});

test('when a precompressed form was deleted, the next one is sent', async (t) => {
  const server = await serveFiles(t, FILES);
  await rm(join(server.root, 'public/a.js.br'));

  t.is((await server.fetch('/a.js', { 'Accept-Encoding': 'br, gzip' })).body, 'zip');
});
