import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { logProblems } from '../../src/contract/problem.ts';
import { developSite } from '../helpers/dev-session.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

const FAILING = `interface Order { items?: number[] }

export function onRequest(): Response {
  try {
    const order: Order = {};
    return new Response(String(order.items!.length));
  } catch (cause) {
    throw new Error('cannot count <the order>', { cause });
  }
}
`;

test('each request is one line: method, path, status, time, route, file', async (t) => {
  const { url, lines } = await developSite(t, {
    'cloud-functions/users/[id].js': 'export const onRequestGet = () => new Response("hello");',
    'public/a.txt': 'a',
  });

  await fetch(`${url}/users/7?x=1`);
  await fetch(`${url}/a.txt`);
  await fetch(`${url}/none`, { method: 'POST', body: 'x' });

  await until(() => lines.length >= 3, 'three lines');
  t.regex(lines[0] ?? '', /^GET \/users\/7\?x=1 +200 +<?\d+ ms {2}\/users\/:id {2}cloud-functions\/users\/\[id\]\.js$/);
  t.regex(lines[1] ?? '', /^GET \/a\.txt +200 +<?\d+ ms {2}public\/a\.txt$/);
  t.regex(lines[2] ?? '', /^POST \/none +502 +<?\d+ ms {2}next hop {2}hop_unreachable: .*ECONNREFUSED/);
});

test('an error of a function is shown with its place and its causes, without frames of nexthop', async (t) => {
  const { url, lines } = await developSite(t, { 'cloud-functions/fail.ts': FAILING });

  const text = await (await fetch(`${url}/fail`, { headers: { accept: 'text/plain' } })).text();

  await until(() => lines.join('\n').includes('caused by'), 'the error');
  for (const shown of [text, lines.join('\n')]) {
    t.regex(shown, /Error: cannot count <the order>\n\s*at cloud-functions\/fail\.ts:8:11\n/);
    t.regex(shown, /> +8 \| {5}throw new Error\('cannot count <the order>', \{ cause \}\);\n +\| {11}\^/);
    t.regex(shown, /caused by\n\s*TypeError: .*'length'\)\n\s*at cloud-functions\/fail\.ts:6:\d+\n/);
    t.notRegex(shown, /src\/|node:internal|functions\.cjs/);
  }
});

test('an error is shown once, also if a log file has it', async (t) => {
  const { url, lines, errorLines } = await developSite(t, { 'cloud-functions/fail.ts': FAILING });

  await fetch(`${url}/fail`);
  await until(() => lines.join('\n').includes('caused by'), 'the error');

  t.is(lines.filter((line) => line.includes('cannot count') && !line.includes('|')).length, 1);
  const inFile = await untilResult(errorLines, (all) => all.length > 0);
  t.is(inFile.filter(({ level }) => level === 'error').length, 1);
});

for (const [accept, type, pattern] of [
  [
    'text/html',
    /^text\/html/,
    /<h1>Error: cannot count &#60;the order&#62;<\/h1>[\s\S]*cloud-functions\/fail\.ts:8:11[\s\S]*<b>&#62; +8 \|/,
  ],
  [
    'application/json',
    /^application\/json/,
    /^\{\n {2}"status": 500,\n {2}"code": "function_error",[\s\S]*"place": "cloud-functions\/fail\.ts:8:11",\n {2}"frame": \[\n {4}"/,
  ],
] as const) {
  test(`a client that accepts ${accept} gets the error in that form`, async (t) => {
    const { url } = await developSite(t, { 'cloud-functions/fail.ts': FAILING });

    const response = await fetch(`${url}/fail`, { headers: { accept } });

    t.is(response.status, 500);
    t.regex(response.headers.get('content-type') ?? '', type);
    t.regex(await response.text(), pattern);
  });
}

test('a next hop that does not answer gets a page that explains what a next hop is', async (t) => {
  const { url } = await developSite(t, {});

  const response = await fetch(`${url}/blog/<x>`, { headers: { accept: 'text/html' } });

  t.is(response.status, 502);
  const text = await response.text();
  t.regex(text, /No function and no file of the site answers this request.*http:&#47;|http:\/\/127\.0\.0\.1:1/);
  t.regex(text, /nexthop dev --next-hop http:\/\/localhost:3000/);
});

for (const [method, path, sentence] of [
  ['GET', '/order', 'cloud-functions/order.js has this path, and does not answer GET, only POST.'],
  ['POST', '/ordre', 'Did you mean /order?'],
] as const) {
  test(`the page about a next hop that does not answer ${method} ${path} says which route is near`, async (t) => {
    const { url } = await developSite(t, { 'cloud-functions/order.js': 'export const onRequestPost = () => {};' });

    const text = await (await fetch(url + path, { method })).text();

    t.true(text.includes(`\n${sentence}\nThe next hop did not answer: `), text);
  });
}

test('an unknown name that is used as a KV namespace is shown with the setting for it', async (t) => {
  const { url } = await developSite(t, {
    'cloud-functions/kv.js': 'export const onRequest = async () => Response.json(await my_kv.get("visits"));',
    'cloud-functions/other.js': 'export const onRequest = () => new Response(nothing);',
  });
  const messageOf = async (path: string): Promise<unknown> =>
    ((await (await fetch(url + path)).json()) as { message: unknown }).message;

  t.is(
    await messageOf('/kv'),
    'ReferenceError: my_kv is not defined; if it is a KV namespace of EdgeOne, set KV_BINDINGS=my_kv',
  );
  t.is(await messageOf('/other'), 'ReferenceError: nothing is not defined');
});

test('each failure of a job is printed, with its function', async (t) => {
  const { url, lines } = await developSite(t, {
    'netlify/functions/mail-background.mjs': 'export default () => { throw new Error("no post office"); };',
  });
  const printed = (): readonly string[] =>
    lines.filter((line) => line.includes('a job failed and is tried again (netlify/mail-background): Error: no post'));

  for (const count of [1, 2]) {
    await fetch(`${url}/.netlify/functions/mail-background`, { method: 'POST' });
    await until(() => printed().length >= count, `failure ${count}`);
  }
  t.is(printed().length, 2);
});

test('a syntax error keeps the code that worked, and is shown with its place', async (t) => {
  const { url, edge, site, lines } = await developSite(t, {
    'cloud-functions/a.js': 'export const onRequest = () => new Response("good");',
  });

  await writeFile(join(site, 'cloud-functions/a.js'), 'export const onRequest = () =>\n  new Response("bad";\n');
  await edge.reload();

  t.is(await (await fetch(`${url}/a`)).text(), 'good');
  t.regex(lines.join('\n'), /error {4}cloud-functions\/a\.js:2:21 {2}Expected "\)" but found ";"/);
  t.regex(lines.join('\n'), /> 2 \| {3}new Response\("bad";/);
});

test('of many errors of one reading, the first three are shown with their code', async (t) => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const bad = 'export const onRequest = (;';
  const { lines, edge } = await developSite(
    t,
    Object.fromEntries(names.map((name) => [`cloud-functions/${name}.js`, bad])),
  );

  logProblems(edge.log, edge.site.problems);

  const text = lines.join('\n');
  t.is(text.match(/^error {4}cloud-functions\/[a-e]\.js:1:27 {2}/gm)?.length, 5);
  t.is(text.match(/> 1 \| /g)?.length, 3);
});

test('a package that is missing is shown with the line of its import and what to do', async (t) => {
  const { url, lines } = await developSite(t, {
    'cloud-functions/a.js':
      '// first\nimport dayjs from "dayjs-of-a-test";\nexport const onRequest = () => new Response(dayjs());',
  });

  const text = await (await fetch(`${url}/a`, { headers: { accept: 'text/plain' } })).text();

  t.regex(lines.join('\n') + text, /cloud-functions\/a\.js:2:\d+/);
  t.regex(text, /> 2 \| import dayjs from "dayjs-of-a-test";/);
  t.regex(text, /^Error: Cannot find package 'dayjs-of-a-test' .*; npm install dayjs-of-a-test$/m);
});

test('a misspelt handler of the site is printed once, with its place and the right name, however often it is read', async (t) => {
  const { edge, lines } = await developSite(t, {
    'cloud-functions/a.js': 'export const onRequest = () => new Response("a");\nexport const onRequestGte = 1;\n',
  });

  await edge.reload();
  await edge.reload();

  t.deepEqual(
    lines.filter((line) => line.includes('is not a handler')).map((line) => line.replaceAll(/ +/g, ' ')),
    [
      'error cloud-functions/a.js:2:14 onRequestGte is not a handler of EdgeOne and is never called; did you mean onRequestGet?',
    ],
  );
});

test('files outside of the site that its code imports are reported', async (t) => {
  const shared = join(await siteFolder(t, { 'shared.ts': 'export const text: string = "shared";' }), 'shared.ts');
  const { outside } = await developSite(t, {
    'cloud-functions/a.ts': `import { text } from ${JSON.stringify(shared)}; export const onRequest = () => new Response(text);`,
  });

  t.true(outside.some((file) => file.endsWith('shared.ts')));
});

test('the body of a request is kept, and its function still reads it', async (t) => {
  const { url, session } = await developSite(t, {
    'cloud-functions/echo.js':
      'export const onRequestPost = async ({ request }) => new Response(await request.text());',
  });

  const text = await (await fetch(`${url}/echo`, { method: 'POST', body: 'a body' })).text();

  t.is(text, 'a body');
  t.is(session.history.all.at(-1)?.body?.toString(), 'a body');
});

test('a client cannot write control characters to the terminal', async (t) => {
  const { exchange, lines } = await developSite(t, {});

  await exchange('GET /\x9b2J HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

  await until(() => lines.length > 0, 'the line');
  t.notRegex(lines.join(''), /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
});

test('what a function prints is below the line of its request, by level', async (t) => {
  const { url, session, lines } = await developSite(t, {
    'cloud-functions/a.js': 'export const onRequest = () => new Response("a");',
  });
  const log = session.toLog(undefined);
  const id = 'an-id-of-the-client';

  const answered = fetch(`${url}/a`, { headers: { 'x-request-id': id } });
  await until(() => session.history.withId(id) !== undefined, 'the request');
  log.print({ level: 'info', text: 'one\ntwo', target: '', route: '', requestId: id });
  await answered;
  await until(() => lines.length >= 3, 'the lines');
  log.print({ level: 'warn', text: 'after the response', target: '', route: '', requestId: id });

  t.deepEqual(lines.slice(1), ['  │ one', '  │ two', '  │ after the response']);
});

test('a page about a fault loads again by itself, but not one that would send a form again', async (t) => {
  const { url } = await developSite(t, { 'cloud-functions/fail.ts': FAILING });
  const read = async (method: string) =>
    (await fetch(`${url}/fail`, { method, headers: { accept: 'text/html' } })).text();

  t.regex(await read('GET'), /location\.reload\(\)/);
  t.notRegex(await read('POST'), /location\.reload\(\)/);
});

test('an app of a framework answers, with its headers in the record of the request', async (t) => {
  const { url, lines, session } = await developSite(t, {
    'cloud-functions/[[default]].js': `import express from ${JSON.stringify(fileURLToPath(import.meta.resolve('express')))};
      const app = express();
      app.get('/shop/:id', (request, response) => response.status(201).set('x-app', request.params.id).send('from the app'));
      export default app;`,
  });

  const response = await fetch(`${url}/shop/1`);

  t.is(response.status, 201);
  t.is(response.headers.get('x-app'), '1');
  t.is(await response.text(), 'from the app');
  t.true(session.history.all[0]?.responseHeaders.includes('1'));
  await until(() => lines.length > 0, 'the line');
  t.regex(lines[0] ?? '', /^GET \/shop\/1 +201 /);
});

test('a stack trace that a function prints is shown without the calls of nexthop', async (t) => {
  const { session, lines } = await developSite(t, {});
  const own = import.meta.resolve('../../src/handler.ts');
  const text = [
    ...['Error: logged', '    at read (node:internal/fs:1:1)', '    at fail \x1b[90m(/srv/site/\x1b[39ma.ts:1:2)'],
    ...[`    at answer (${own}:3:4)`, '    at AsyncLocalStorage.run (node:internal/x:1:1)', `    at ${own}:5:6`],
    " { why: 'to see' }",
  ];

  session.toLog(undefined).print({ level: 'error', text: text.join('\n'), target: '', route: '', requestId: '' });

  const shown = [0, 1, 2, 6].map((at) => text[at]?.replace(/\x1b/g, '\\x1b'));
  t.deepEqual(
    lines,
    shown.map((line) => `  │ ${line}`),
  );
});

test('a response of the cache is marked: its function did not run', async (t) => {
  const { url, lines } = await developSite(t, {
    'netlify/functions/a.mjs': `export default () => new Response('a', { headers: { 'netlify-cdn-cache-control': 'max-age=60' } });
      export const config = { path: '/a' };`,
  });

  for (let at = 0; at < 2; at++) await (await fetch(`${url}/a`)).text();
  await until(() => lines.length === 2, 'the lines');

  t.notRegex(lines[0] ?? '', /cache/);
  t.regex(lines[1] ?? '', /\/a {2}netlify\/functions\/a\.mjs {2}from the cache$/);
});
