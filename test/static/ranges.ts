import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { isSamePart } from '../../src/static/precondition.ts';
import { serveFiles } from '../helpers/file-server.ts';

const DIGITS = '0123456789';

for (const [range, expected] of [
  ['bytes=0-0', '0'],
  ['bytes=2-4', '234'],
  ['bytes=7-', '789'],
  ['bytes=-3', '789'],
  ['bytes=-99', DIGITS],
  ['bytes=5-99999999999999999999', '56789'],
  ['BYTES = 1-2', '12'],
  ['bytes=, 1-2 ,', '12'],
  ['bytes=1-2,20-30', '12'],
] as const) {
  test(`Range: ${range} gets that range`, async (t) => {
    const server = await serveFiles(t, { 'public/a.txt': DIGITS });
    const { status, headers, body } = await server.fetch('/a.txt', { Range: range });

    t.is(status, 206);
    t.is(body, expected);
    t.is(headers['content-length'], String(expected.length));
    const first = DIGITS.indexOf(expected);
    t.is(headers['content-range'], `bytes ${first}-${first + expected.length - 1}/10`);
  });
}

for (const range of ['bytes=10-', 'bytes=-0', 'bytes=10-20,30-', 'bytes=99999999999999999999-']) {
  test(`Range: ${range} gets 416 with the length`, async (t) => {
    const server = await serveFiles(t, { 'public/a.txt': DIGITS });
    const { status, headers, body } = await server.fetch('/a.txt', { Range: range });

    t.is(status, 416);
    t.like(headers, { 'content-range': 'bytes */10', 'content-length': '0' });
    t.is(body, '');
  });
}

for (const range of ['bytes=', 'bytes=,', 'bytes=a-b', 'bytes=3-1', 'bytes=-', 'bytes', 'lines=1-2', 'bytes=0-1,4-5']) {
  test(`Range: ${range} gets the whole file`, async (t) => {
    const server = await serveFiles(t, { 'public/a.txt': DIGITS });

    t.like(await server.fetch('/a.txt', { Range: range }), { status: 200, body: DIGITS });
  });
}

test('HEAD ignores ranges', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': DIGITS });
  const { status, headers } = await server.fetch('/a.txt', { Range: 'bytes=0-1' }, 'HEAD');

  t.is(status, 200);
  t.is(headers['content-length'], '10');
});

test('an empty file has no ranges', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': '' });

  t.is((await server.fetch('/a.txt', { Range: 'bytes=0-' })).status, 416);
});

test('ranges of a large file have its bytes', async (t) => {
  const text = Array.from({ length: 50_000 }, (_, index) => String(index).padStart(6, '0')).join('');
  const server = await serveFiles(t, { 'public/big.txt': text });

  t.is((await server.fetch('/big.txt', { Range: 'bytes=65530-262150' })).body, text.slice(65530, 262151));
  t.is((await server.fetch('/big.txt', { Range: 'bytes=-150000' })).body, text.slice(-150_000));
});

test('If-Range with the tag or the date of the file gets the range, with any other value the file', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': DIGITS });
  const modified = 'Sun, 06 Nov 1994 08:49:37 GMT';
  await utimes(join(server.root, 'public/a.txt'), Date.parse(modified) / 1000, Date.parse(modified) / 1000);
  const etag = (await server.fetch('/a.txt')).headers.etag ?? '';
  const statusFor = async (ifRange: string) =>
    (await server.fetch('/a.txt', { Range: 'bytes=0-1', 'If-Range': ifRange })).status;

  for (const good of [etag, modified]) t.is(await statusFor(good), 206, good);
  for (const bad of [`W/${etag}`, '"other"', `x${etag}`, 'Sun, 06 Nov 1994 08:49:38 GMT', '1994']) {
    t.is(await statusFor(bad), 200, bad);
  }
});

test('If-Range with the date of the current second gets the whole file, because the file may still change', (t) => {
  const soon = (Math.floor(Date.now() / 1000) + 60) * 1000;

  t.false(isSamePart(new Date(soon).toUTCString(), { etag: '"a"', modifiedMs: soon }));
});
