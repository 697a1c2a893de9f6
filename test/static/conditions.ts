import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';

const MODIFIED = 'Sun, 06 Nov 1994 08:49:37 GMT';
const BEFORE = 'Sun, 06 Nov 1994 08:49:36 GMT';
const LATER = 'Mon, 07 Nov 1994 08:49:37 GMT';

/** TAG is replaced by the tag of the file. */
for (const [headers, status] of [
  [{ 'If-None-Match': 'TAG' }, 304],
  [{ 'If-None-Match': 'W/TAG' }, 304],
  [{ 'If-None-Match': '"a,b", W/"x" ,TAG' }, 304],
  [{ 'If-None-Match': '*' }, 304],
  [{ 'If-None-Match': '"other"' }, 200],
  [{ 'If-None-Match': '' }, 200],
  [{ 'If-None-Match': '"other"', 'If-Modified-Since': MODIFIED }, 200],
  [{ 'If-None-Match': 'TAG', 'If-Modified-Since': BEFORE }, 304],
  [{ 'If-Modified-Since': MODIFIED }, 304],
  [{ 'If-Modified-Since': LATER }, 304],
  [{ 'If-Modified-Since': BEFORE }, 200],
  [{ 'If-Modified-Since': 'Sunday, 06-Nov-94 08:49:37 GMT' }, 304],
  [{ 'If-Modified-Since': 'Sun Nov  6 08:49:37 1994' }, 304],
  [{ 'If-Modified-Since': 'Sun Nov  6 08:49:36 1994' }, 200],
  [{ 'If-Modified-Since': '2030-01-01' }, 200],
  [{ 'If-Match': 'TAG' }, 200],
  [{ 'If-Match': '"x", TAG' }, 200],
  [{ 'If-Match': '*' }, 200],
  [{ 'If-Match': 'W/TAG' }, 412],
  [{ 'If-Match': '"other"' }, 412],
  [{ 'If-Match': '"other"', 'If-Unmodified-Since': LATER }, 412],
  [{ 'If-Match': 'TAG', 'If-Unmodified-Since': BEFORE }, 200],
  [{ 'If-Match': 'TAG', 'If-None-Match': 'TAG' }, 304],
  [{ 'If-Unmodified-Since': MODIFIED }, 200],
  [{ 'If-Unmodified-Since': BEFORE }, 412],
  [{ 'If-Unmodified-Since': 'never' }, 200],
  [{ 'If-None-Match': 'TAG', Range: 'bytes=0-1' }, 304],
  [{ 'If-Unmodified-Since': BEFORE, 'If-None-Match': 'TAG' }, 412],
] as const) {
  test(`a request with ${JSON.stringify(headers)} gets ${status}, for GET and HEAD`, async (t) => {
    const { server, etag } = await serveOld(t);
    const sent = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, text.replace('TAG', etag)]));

    t.is((await server.fetch('/a.txt', sent)).status, status);
    t.is((await server.fetch('/a.txt', sent, 'HEAD')).status, status);
  });
}

test('a 304 has the headers that a cache needs, and no body and no length', async (t) => {
  const { server, etag } = await serveOld(t);
  const { headers, body } = await server.fetch('/a.txt', { 'If-None-Match': etag });

  t.like(headers, { etag, 'last-modified': MODIFIED, 'cache-control': 'public, max-age=0, must-revalidate' });
  t.false('content-length' in headers || 'content-type' in headers);
  t.is(body, '');
});

test('a time in the future is not sent as Last-Modified', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': 'hello' });
  await utimes(join(server.root, 'public/a.txt'), 4e9, 4e9);
  const { headers } = await server.fetch('/a.txt');

  t.true(Date.parse(headers['last-modified'] ?? '') <= Date.parse(headers.date ?? ''));
});

test('equal content has the same tag in every file, other content with the same size and time another one', async (t) => {
  const files = { 'public/a.txt': 'hello', 'public/b.txt': 'hello', 'public/c.txt': 'hallo' };
  const server = await serveFiles(t, files);
  for (const file of Object.keys(files)) await utimes(join(server.root, file), 1, 1);
  const [one, two, other] = await Promise.all(['/a.txt', '/b.txt', '/c.txt'].map((path) => server.fetch(path)));

  t.is(one?.headers.etag, two?.headers.etag);
  t.not(one?.headers.etag, other?.headers.etag);
});

async function serveOld(t: ExecutionContext): Promise<{ server: FileServer; etag: string }> {
  const server = await serveFiles(t, { 'public/a.txt': 'hello' });
  const seconds = Date.parse(MODIFIED) / 1000;
  await utimes(join(server.root, 'public/a.txt'), seconds, seconds);
  const { headers } = await server.fetch('/a.txt');
  return { server, etag: headers.etag ?? '' };
}
