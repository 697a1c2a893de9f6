import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import test from 'ava';
import { type InvokeCall, invoke } from '../../src/cli/invoke.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { readConfig } from '../../src/config/config.ts';
import { UserError } from '../../src/contract/user-error.ts';
import { runNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const SITE = {
  'cloud-functions/hello.js':
    'export const onRequest = ({ request }) => new Response(request.method + " " + request.headers.get("content-type") + " " + JSON.stringify(request.body));',
  'cloud-functions/throws.js': 'export const onRequest = () => {\n  throw new Error("no database");\n};',
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
  t.regex(failed.notes, /cloud-functions\/throws\.js(:2)? no database/);
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
  t.regex(bad.notes, /^202 Accepted\n[\s\S]*no address[\s\S]*\njob netlify\/mail-background: failed$/);
});

for (const [words, call, message] of [
  ['helo', {}, 'there is no function "helo"; did you mean hello?'],
  ['[id]', {}, 'cloud-functions/users/[id].js answers /users/:id: give a path, such as nexthop invoke /users/…'],
  ['swep', { event: 'scheduled' }, /^there is no job "swep"/],
  ['', {}, 'say nexthop invoke /path, or the name of a function'],
  ['/a /b', {}, 'one function at a time, got "/b" too'],
  ['/a', { event: 'sheduled' }, '--event is scheduled, got "sheduled"'],
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
