import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { connectTo } from '../helpers/peer.ts';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';

const HELLO = 'export default function onRequest() { return new Response("hello"); }';

for (const [title, body, code] of [
  ['throws', 'throw new Error("secret plan")', 'function_error'],
  ['rejects', 'return Promise.reject(new Error("secret plan"))', 'function_error'],
  ['throws a value that is not an error', 'throw "secret plan"', 'function_error'],
  ['returns a value that cannot be written as JSON', 'return { n: 1n, secret: "plan" }', 'function_bad_answer'],
  [
    'returns a Response that was read',
    'const r = new Response("secret plan"); await r.text(); return r',
    'function_bad_answer',
  ],
  [
    'returns a stream whose chunks are not bytes',
    'return new Response(new ReadableStream({ start(c) { c.enqueue({}); c.close() } }))',
    'function_bad_answer',
  ],
  [
    'fails before the first byte of its stream',
    'return new Response(new ReadableStream({ pull() { throw new Error("secret plan") } }))',
    'function_error',
  ],
] as const) {
  test(`a request to a function that ${title} gets 500 without details of the error, and the next request is answered`, async (t) => {
    const site = await siteFolder(t, {
      'cloud-functions/bad.js': `export async function onRequest() { ${body} }`,
      'cloud-functions/good.js': HELLO,
    });
    const edge = await startEdge(t, { site });

    const bad = await edge.exchange('GET /bad HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const good = await edge.exchange('GET /good HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

    t.regex(bad, /^HTTP\/1\.1 500 /);
    t.notRegex(bad, /secret|plan|bad\.js| at /);
    t.true(good.endsWith('hello'));
    const [line] = await edge.accessLines(2);
    t.like(line, {
      status: '500',
      fault: code,
      fault_origin: 'function',
      route: '/bad',
      target: 'cloud-functions/bad.js',
    });
  });
}

test('the connection is cut if the stream of a function fails after its first chunk', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/bad.js': `export function onRequest() {
      let pulls = 0;
      return new Response(new ReadableStream({ async pull(controller) {
        if (pulls++ > 0) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          throw new Error('no more');
        }
        controller.enqueue(new TextEncoder().encode('first'));
      } }, { highWaterMark: 0 }));
    }`,
  });
  const edge = await startEdge(t, { site });
  const client = await edge.connect();

  client.write('GET /bad HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until(() => client.closed !== undefined, 'the cut');

  t.regex(client.received, /first/);
  t.false(client.received.endsWith('0\r\n\r\n'), 'the response must not look complete');
  const [line] = await edge.accessLines(1);
  t.is(line?.fault, 'function_error');
});

test('a Response with a header that cannot be written becomes a 500', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/bad.js': `export function onRequest() {
      const headers = new Map([['x-good', '1'], ['x-bad', 'a\\u4f60']]);
      return { status: 200, headers, body: null, text() {}, arrayBuffer() {} };
    }
    export function onRequestPost() {
      const response = new Response('x');
      Object.defineProperty(response, 'headers', { value: new Map([['bad name', '1']]) });
      return response;
    }`,
  });
  const edge = await startEdge(t, { site });

  const answer = await edge.exchange('POST /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 500 /);
  const [line] = await edge.accessLines(1);
  t.is(line?.fault, 'function_bad_answer');
});

test('a function that does not parse is reported with its location, its route answers 500, and other functions run', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/bad.js': 'export function onRequest() {\n  return new Response("a";\n}\n',
    'cloud-functions/good.js': HELLO,
  });
  const running = await startNexthop(t, { site });

  const bad = await fetch(`http://127.0.0.1:${running.port}/bad`);
  const good = await fetch(`http://127.0.0.1:${running.port}/good`);

  t.regex(running.output(), /cloud-functions\/bad\.js:2:\d+ /);
  t.is(bad.status, 500);
  t.is(await good.text(), 'hello');
});

test('an error that a function throws later, or an unhandled rejection, is logged with its origin, and the process continues', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/timer.js':
      'export function onRequest() { setTimeout(() => { throw new Error("late") }); return new Response("hello"); }',
    'cloud-functions/reject.js':
      'export function onRequest() { Promise.reject(new Error("unhandled")); return new Response("hello"); }',
  });
  const running = await startNexthop(t, { site });

  for (const path of ['timer', 'reject', 'timer']) {
    const response = await fetch(`http://127.0.0.1:${running.port}/${path}`);
    t.is(await response.text(), 'hello');
  }
  const readLog = () => readFileSync(join(running.logDir, 'error.log'), 'utf8');
  // The timer of the last request may not have fired yet.
  await until(() => readLog().match(/"origin":"uncaughtException"/g)?.length === 2, 'both exceptions');
  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
  const log = readLog();
  t.is(log.match(/"origin":"uncaughtException"/g)?.length, 2);
  t.is(log.match(/"origin":"unhandledRejection"/g)?.length, 1);
  t.regex(log, /cloud-functions\/timer\.js/, 'the stack names the file of the user');
});

test('an app that rejects after its response is closed is logged with its file', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/[[all]].js': `import { once } from 'node:events';
      const app = async (request, response) => { response.end('hello'); await once(response, 'close'); throw new Error('late'); };
      export default Object.assign(app, { use() {}, handle() {} });`,
  });
  const edge = await startEdge(t, { site });

  t.is(await (await fetch(`${edge.url}/`)).text(), 'hello');
  await edge.close();

  const [line] = (await edge.errorLines()).filter(({ level }) => level === 'error');
  t.like(line, { target: 'cloud-functions/[[all]].js' });
  t.regex(JSON.stringify(line), /late/);
});

test('an error that a function throws from a timer, or an unhandled rejection, while it loads does not stop the start', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/early.js': `setTimeout(() => { throw new Error("early") });
      Promise.reject(new Error("unhandled"));
      await new Promise((resolve) => setTimeout(resolve, 50));
      export function onRequest() { return new Response("hello"); }`,
  });
  const running = await startNexthop(t, { site });

  const response = await fetch(`http://127.0.0.1:${running.port}/early`);
  running.child.kill('SIGTERM');

  t.is(await response.text(), 'hello');
  t.is(await running.exited, 0);
  const log = await readFile(join(running.logDir, 'error.log'), 'utf8');
  t.regex(log, /"origin":"uncaughtException"/);
  t.regex(log, /"origin":"unhandledRejection"/);
});

test('a function that fails does not affect a request in flight', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/slow.js':
      'export async function onRequest({ request }) { return new Response(await request.text()); }',
    'cloud-functions/bad.js':
      'export function onRequest() { setTimeout(() => { throw new Error("late") }); throw new Error("now"); }',
  });
  const running = await startNexthop(t, { site });
  const slow = await connectTo(t, running.port);
  slow.write('POST /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhe');

  await fetch(`http://127.0.0.1:${running.port}/bad`);
  slow.write('llo');

  t.regex(await slow.readToEnd(), /hello$/);
});
