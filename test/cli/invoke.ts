import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import test from 'ava';
import { invoke } from '../../src/cli/invoke.ts';
import type { InvokeCall } from '../../src/cli/invoke-request.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { readConfig } from '../../src/config/config.ts';
import { UserError } from '../../src/contract/user-error.ts';
import { runNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const SITE = {
  'cloud-functions/hello.js':
    'export const onRequest = ({ request }) => new Response(request.method + " " + request.headers.get("content-type") + " " + JSON.stringify(request.body));',
  'cloud-functions/throws.js': 'export const onRequest = () => {\n  throw new Error("no database");\n};',
  'cloud-functions/typo.js': 'export const onRequest = () => nosuch;',
  'middleware.js': 'export const middleware = ({ next }) => next();',
  'cloud-functions/users/[id].js': 'export const onRequest = ({ params }) => new Response(params.id);',
  'netlify/functions/sweep.mjs':
    'export default () => { globalThis.swept = (globalThis.swept ?? 0) + 1; }; export const config = { schedule: "@daily" };',
  'netlify/functions/mail-background.mjs':
    'export default async (request) => { if (await request.text() === "bad") throw new Error("no address"); };',
  'order.json': '{"a":1}',
};

interface Ran {
  readonly code: number;
  readonly body: string;
  readonly notes: string;
}

async function run(site: string, word: string, call: Partial<InvokeCall> = {}, stdin = ''): Promise<Ran> {
  const notes: string[] = [];
  const chunks: Buffer[] = [];
  const stdout = new Writable({
    write(chunk, _, done) {
      chunks.push(chunk);
      done();
    },
  });
  const streams = {
    complain: (line: string) => void notes.push(line),
    stdout,
    stdin: Readable.from([Buffer.from(stdin)]),
  };
  const words = word.split(' ').filter(Boolean);
  const code = await invoke(readConfig({ site, env: {} }), { words, folder: site, ...call }, streams);
  return { code, body: Buffer.concat(chunks).toString(), notes: notes.join('\n') };
}

test('invoke runs the function of a path, of a name or of a file, and writes only its body to stdout', async (t) => {
  const site = await siteFolder(t, SITE);

  const get = await run(site, '/hello');
  t.is(get.code, 0);
  t.is(get.body, 'GET null undefined');
  t.regex(get.notes, /^200 OK\n[\s\S]*^content-type: text\/plain/m);
  t.is((await run(site, 'hello')).body, 'GET null undefined');
  t.is((await run(site, 'cloud-functions/hello.js')).body, 'GET null undefined');
  t.is((await run(site, '/users/7')).body, '7');
  t.false(existsSync(join(site, '.nexthop')), 'nothing is stored in the site');
});

test('--data is a text, a file or stdin, and decides about method and type', async (t) => {
  const site = await siteFolder(t, SITE);

  t.is((await run(site, '/hello', { data: 'a b' })).body, 'POST text/plain "a b"');
  t.is((await run(site, '/hello', { data: '@order.json' })).body, 'POST application/json {"a":1}');
  t.is((await run(site, '/hello', { data: '-', method: 'put' }, '[2]')).body, 'PUT application/json [2]');
  t.is((await run(site, '/hello', { data: '{}', type: 'text/x' })).body.split(' ')[1], 'text/x');
  await t.throwsAsync(run(site, '/hello', { data: '@none' }), {
    instanceOf: UserError,
    message: /none" of --data cannot be read/,
  });
});

test('a function that fails, and a path without a route, make the exit code 1', async (t) => {
  const site = await siteFolder(t, SITE);

  const failed = await run(site, '/throws');
  t.is(failed.code, 1);
  t.regex(failed.notes, /cloud-functions\/throws\.js:2:9 no database/);
  const undefinedName = await run(site, '/typo');
  t.regex(undefinedName.notes, /cloud-functions\/typo\.js:1:32 ReferenceError: nosuch is not defined/);
  const missing = await run(site, '/nothing');
  t.is(missing.code, 1);
  t.is(missing.body, 'no route of the site answers GET /nothing: a server forwards it to the next hop\n');
});

test('a scheduled function runs by its name, and the jobs of a background function run after the response', async (t) => {
  const site = await siteFolder(t, SITE);

  t.like(await run(site, 'sweep', { event: 'scheduled' }), { code: 0, notes: 'job netlify/sweep: done' });
  t.like(await run(site, 'netlify/sweep'), { code: 0 });
  t.is(Reflect.get(globalThis, 'swept'), 2);
  t.like(await run(site, 'mail-background', { data: 'good' }), { code: 0 });
  const bad = await run(site, 'mail-background', { data: 'bad' });
  t.is(bad.code, 1);
  t.regex(
    bad.notes,
    /^202 Accepted\n[\s\S]* a job failed; a server would try it again in 60 s: no address\njob netlify\/mail-background: failed$/,
  );
});

test('--schedule runs a schedule of edgeone.json or a scheduled function', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/throws.js': SITE['cloud-functions/throws.js'],
    'netlify/functions/tidy.mjs': 'export default () => {}; export const config = { schedule: "@daily" };',
    'edgeone.json': JSON.stringify({
      schedules: [
        { name: 'report', cron: '0 8 * * *', path: '/tick?k=1', payload: { a: 1 } },
        { cron: '0 8 * * *', path: '/throws' },
        { name: 'hop', cron: '0 8 * * *', path: '/elsewhere' },
      ],
    }),
    'cloud-functions/tick.js':
      'export const onRequest = ({ request }) => { globalThis.ticked = [request.method, request.body, request.query.k]; };',
  });

  const report = await run(site, '', { schedule: 'report' });
  t.like(report, { code: 0, body: '' });
  t.regex(report.notes, /job edgeone\/report: done$/);
  t.deepEqual(Reflect.get(globalThis, 'ticked'), ['POST', { a: 1 }, '1']);
  t.is((await run(site, '', { schedule: 'tidy' })).code, 0);
  t.is((await run(site, '', { schedule: '/throws' })).code, 1);
  const unreached = await run(site, '', { schedule: 'hop' });
  t.is(unreached.code, 1);
  t.regex(unreached.notes, /\nno function answers POST \/elsewhere: a server sends this request to the next hop\n/);
  const error = await t.throwsAsync(run(site, '', { schedule: 'reprot' }), { instanceOf: UserError });
  t.is(
    error?.message,
    'there is no schedule "reprot"; did you mean report?; the schedules are report, /throws, hop, tidy',
  );
});

const ANSWERS = {
  'cloud-functions/headers.js': `export const onRequest = ({ request }) => {
      const headers = new Headers({ 'X-Seen': [...request.headers].map((pair) => pair.join('=')).join(';') });
      for (const cookie of ['a=1', 'b=2']) headers.append('Set-Cookie', cookie);
      return new Response(Buffer.from(request.headers.get('x-hex') ?? '6f6b', 'hex'), { status: 201, headers });
    };`,
  'cloud-functions/cut/[[size]].js': `export const onRequest = ({ params }) => {
      let parts = 0;
      return new Response(new ReadableStream({
        pull(stream) {
          if (parts++ < 3) stream.enqueue(new Uint8Array(Number(params.size)));
          else stream.error(new Error('broke'));
        },
      }));
    };`,
};

test('--header sends headers, each as it is written', async (t) => {
  const site = await siteFolder(t, ANSWERS);
  const header = 'X-List: a, b\nX-List: c\nHost: shop.example\ncookie: d=e:f\nX-None:';

  const { notes } = await run(site, '/headers', { header });
  const typed = await run(site, '/headers', { data: '{}', header: 'content-type: text/x' });

  t.regex(notes, /^x-seen: cookie=d=e:f;host=shop\.example;x-list=a, b, c;x-none=$/m);
  t.regex(typed.notes, /content-type=text\/x;/);
});

test('--json prints status, headers, body, jobs and errors as one object', async (t) => {
  const site = await siteFolder(t, { ...SITE, ...ANSWERS });
  const read = async (word: string, call: Partial<InvokeCall> = {}) =>
    JSON.parse((await run(site, word, { json: true, ...call })).body);

  t.like(await read('/headers'), { status: 201, body: 'ok', set_cookie: ['a=1', 'b=2'], jobs: [], errors: [] });
  t.is((await read('/users/7')).headers['content-type'], 'text/plain;charset=UTF-8');
  t.like(await read('/headers', { header: 'X-Hex: ff00' }), { body: undefined, body_base64: '/wA=' });
  t.like(await read('/throws'), { status: 500, errors: ['cloud-functions/throws.js:2:9 no database'] });
  const mail = await read('mail-background', { data: 'bad' });
  t.like(mail, { status: 202, jobs: [{ name: 'netlify/mail-background', state: 'failed' }] });
  t.regex(mail.jobs[0].reason, /^Error: no address/);
  const sweep = { name: 'netlify/sweep', file: 'netlify/functions/sweep.mjs', state: 'done' };
  t.deepEqual(await read('sweep', { event: 'scheduled' }), { errors: [], jobs: [sweep] });
});

test('a response that is cut ends the command with a sentence, and without a stack of Node', async (t) => {
  const site = await siteFolder(t, ANSWERS);

  for (const [size, json] of [
    [1, false],
    [1e6, false],
    [1e6, true],
  ] as const) {
    await t.throwsAsync(run(site, `/cut/${size}`, { json }), {
      instanceOf: UserError,
      message: /^the response was cut before its end/,
    });
  }
});

for (const [words, call, message] of [
  ['/a', { schedule: 'b' }, '--schedule names what runs, got "/a" too; the site is --site=PATH'],
  ['helo', {}, 'there is no function "helo"; did you mean hello?'],
  ['middleware', {}, 'middleware.js runs before what answers a request: give a path, such as nexthop invoke /'],
  ['[id]', {}, 'cloud-functions/users/[id].js answers /users/:id: give a path, such as nexthop invoke /users/…'],
  ['swep', { event: 'scheduled' }, /^there is no job "swep"/],
  ['', {}, 'say nexthop invoke /path, or the name of a function'],
  ['/a /b', {}, 'one function at a time, got "/b" too'],
  ['/a', { header: 'no colon' }, `--header must be a header such as 'Cookie: id=7', got "no colon"`],
  ['/a', { header: 'X: ☃' }, `--header must be a header such as 'Cookie: id=7', got "X: ☃"`],
  ['/a', { header: 'Content-Length: 1' }, '--header cannot be Content-Length: invoke sets it itself'],
  ['/a', { event: 'sheduled' }, '--event must be scheduled, or be left out, got "sheduled"'],
] as const) {
  test(`"invoke ${words}" with ${JSON.stringify(call)} is refused with the reason`, async (t) => {
    const site = await siteFolder(t, SITE);
    const error = await t.throwsAsync(run(site, words, call), { message });
    t.true(error instanceof UserError || error instanceof UsageError);
  });
}

test('on the command line a function that prints and exits does not spoil stdout', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/talk.js': 'export const onRequest = () => { console.log("talk"); return new Response("body"); };',
  });

  const running = await runNexthop(t, { args: ['invoke', '/talk', `--site=${site}`] });

  t.is(await running.exited, 0);
  t.is(running.stdout(), 'body');
  t.regex(running.output(), /talk/);
});
