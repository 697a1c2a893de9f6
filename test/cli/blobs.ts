import { createServer } from 'node:http';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { blobs, type Terminal } from '../../src/cli/blobs.ts';
import { type BlobsCall, BlobsError } from '../../src/cli/blobs-call.ts';
import { importSite } from '../../src/cli/blobs-import.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import { BlobAnswers } from '../../src/dialects/netlify/blobs/blob-answers.ts';
import { read } from '../helpers/blob-contract.ts';
import { listenOnPort } from '../helpers/listen.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { ready, recordingLog, sqliteFolder } from '../helpers/sqlite-store.ts';

interface Ran {
  readonly code: number;
  readonly text: string;
  readonly bytes: Buffer;
}

type Run = (words: string, flags?: Omit<BlobsCall, 'words'>, stdin?: string) => Promise<Ran>;

async function openSite(
  t: ExecutionContext,
  files: Readonly<Record<string, string>> = {},
): Promise<{ config: Config; run: Run }> {
  const config = readConfig({ site: await siteFolder(t, files), env: { STORE_FSYNC: '0' } });
  return { config, run: (words, flags, stdin) => run(config, words, flags, stdin) };
}

async function run(config: Config, words: string, flags: Omit<BlobsCall, 'words'> = {}, stdin = ''): Promise<Ran> {
  const lines: string[] = [];
  const stdout = new PassThrough();
  const terminal: Terminal = { out: (line) => lines.push(line), stdout, stdin: Readable.from([Buffer.from(stdin)]) };
  const code = await blobs(config, terminal, { words: words.split(' ').filter(Boolean), ...flags });
  stdout.end();
  return { code, text: lines.join('\n'), bytes: await buffer(stdout) };
}

test('blobs are set from a file or from stdin, listed, read and deleted', async (t) => {
  const { config, run } = await openSite(t, { 'a.bin': 'content of the file' });

  t.regex((await run('set things a/b', {}, 'from stdin')).text, /^key a\/b\netag "[\da-f]{32}"$/);
  await run(`set things file ${join(config.site, 'a.bin')}`);
  t.is((await run('')).text, 'things');
  t.deepEqual(JSON.parse((await run('list', { json: true })).text), { stores: ['site:things'] });
  t.regex((await run('list things')).text, /bytes {2}modified +key\n +10 +\d{4}-.*Z {2}a\/b\n +19 +\S+ {2}file$/);
  t.like(JSON.parse((await run('list things', { json: true, prefix: 'f' })).text), {
    blobs: [{ key: 'file', size: 19 }],
  });
  t.is((await run('get things a/b')).bytes.toString(), 'from stdin');
  t.like(JSON.parse((await run('get things file', { json: true })).text), { key: 'file', size: 19, metadata: {} });

  t.is((await run('delete things a/b')).text, 'deleted 1');
  await t.throwsAsync(run('get things a/b'), { instanceOf: BlobsError, message: /there is no blob "a\/b"/ });
  await t.throwsAsync(run('delete things a/b'), { instanceOf: BlobsError });
  await t.throwsAsync(run('delete things', { all: true }), { instanceOf: UsageError, message: /add --yes$/ });
  for (const words of ['list thing', 'get thing key', 'delete thing key'])
    await t.throwsAsync(run(words), { message: /; did you mean things\?$/ }, words);
  t.is((await run('delete things', { all: true, yes: true })).text, 'deleted 1');
  t.is((await run('list')).text, '');
});

test('blobs imports the files of a folder', async (t) => {
  const { config, run } = await openSite(t, { 'data/a.txt': 'one', 'data/deep/b.txt': 'three' });

  t.is((await run(`import things ${join(config.site, 'data')}`)).text, 'imported 2\nbytes 8');

  t.is((await run('get things deep/b.txt')).bytes.toString(), 'three');
});

test('blobs creates no store to read from, and explains invalid arguments', async (t) => {
  const { run } = await openSite(t);

  await t.throwsAsync(run('list'), { instanceOf: BlobsError, message: /there is no store in .*--site=PATH/ });
  for (const words of ['nonsense', 'get things', 'set things', 'delete things', 'import things', 'list a b']) {
    await t.throwsAsync(run(words), { instanceOf: UsageError }, words);
  }
  await t.throwsAsync(run('list', { all: true }), { instanceOf: UsageError, message: /--all is not for/ });
  await t.throwsAsync(run('import', { from: 'site' }), { message: /NETLIFY_AUTH_TOKEN must be/ });
  await t.throwsAsync(run('set things key none.txt'), { instanceOf: BlobsError, message: /ENOENT/ });
  await t.throwsAsync(run('set things a/../b', {}, 'x'), { instanceOf: BlobsError, message: /segment/ });
});

test('blobs imports the stores of a site at Netlify, with types and metadata', async (t) => {
  const limits = { objectBytes: 2 ** 20, totalBytes: 0 };
  const there = (await ready((await sqliteFolder(t)).open())).blobs(limits);
  const here = (await ready((await sqliteFolder(t)).open())).blobs(limits);
  for (let at = 0; at < 1010; at += 101) {
    const keys = Array.from({ length: 101 }, (_, index) => at + index);
    await Promise.all(keys.map((key) => there.put('site:many', `key ${key}`, Buffer.from(`${key}`))));
  }
  const options = { contentType: 'image/png', metadata: `b64;${Buffer.from('{"a":1}').toString('base64')}` };
  await there.put('site:things', 'ä/b c', Buffer.from('picture'), options);
  const api = await startApi(t, there);

  const imported = await importSite(here, { site: 'site-id', token: 'token', stores: [], api });

  t.is(imported.imported, 1011);
  t.is((await read(await here.get('site:many', 'key 1009'))).toString(), '1009');
  t.like(await here.head('site:things', 'ä/b c'), { ...options, size: 7 });
  const wrong = importSite(here, { site: 'site-id', token: 'other', stores: [], api });
  await t.throwsAsync(wrong, { instanceOf: BlobsError, message: /Netlify answered 403.*check NETLIFY_AUTH_TOKEN/ });
});

/** The API of Netlify as nexthop answers it, on a port. */
async function startApi(
  t: ExecutionContext,
  storage: ConstructorParameters<typeof BlobAnswers>[0]['storage'],
): Promise<string> {
  const log = recordingLog([]);
  const answers = new BlobAnswers({
    storage,
    site: 'site-id',
    token: 'token',
    captures: false,
    log,
    onStore: async () => {},
  });
  let api = '';
  let requests = 0;
  const server = createServer(async (request, response) => {
    // What fails for a moment is asked again.
    requests++;
    if (requests === 5) {
      request.socket.destroy();
      return;
    }
    if (requests === 7 || requests === 9) {
      response.writeHead(requests === 7 ? 503 : 429).end();
      return;
    }
    const origin = request.url?.startsWith('/api/') ? 'https://api.netlify.com' : 'http://blobs.nexthop.internal';
    const headers = new Headers(request.headers as Record<string, string>);
    const answer = await answers.answer(new Request(`${origin}${request.url}`, { headers }));
    const body = Buffer.from(await answer.arrayBuffer());
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(body.toString('latin1').replace('http://blobs.nexthop.internal', api), 'latin1');
  });
  api = `http://127.0.0.1:${await listenOnPort(t, server)}`;
  return api;
}
