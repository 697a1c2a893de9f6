import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

interface Row {
  readonly code: string;
  /** The status, or 'cut' for a connection that ends before the response does. */
  readonly client: number | 'cut';
  /** The code of the fault in access.log; undefined: none. */
  readonly fault?: string;
  /** The body of a POST; default: a GET. */
  readonly body?: string;
  /** What error.log says; undefined: nothing. */
  readonly log?: RegExp;
}

const LARGE = 'x'.repeat(1_000_000);

/**
 * What a function does, and what the client gets. test/process has the rows that need a process of their own: endless loops, process.exit;
 * endless-streams.ts those with clients that leave or do not read.
 */
const MATRIX: Readonly<Record<string, Row>> = {
  throws: { code: 'throw new Error("broken")', client: 500, fault: 'function_error', log: /broken/ },
  rejects: {
    code: 'return Promise.reject(new Error("refused"))',
    client: 500,
    fault: 'function_error',
    log: /refused/,
  },
  'throws no error': { code: 'throw "no error"', client: 500, fault: 'function_error', log: /no error/ },
  'never answers': {
    code: 'return new Promise(() => {})',
    client: 504,
    fault: 'function_timeout',
    log: /FUNCTION_TIMEOUT|time/,
  },
  'throws in a timer': {
    code: 'setTimeout(() => { throw new Error("late"); }); return new Response("ok")',
    client: 200,
    log: /late/,
  },
  'returns a stream that throws in its first turn': {
    code: 'return new Response(new ReadableStream({ pull() { throw new Error("first turn"); } }))',
    client: 500,
    fault: 'function_error',
    log: /first turn/,
  },
  'returns a stream that throws later': {
    code: 'let n = 0; return new Response(new ReadableStream({ async pull(c) { if (n++) { await new Promise((r) => setTimeout(r, 50)); throw new Error("second turn"); } c.enqueue(new Uint8Array(10)); } }))',
    client: 'cut',
    fault: 'function_error',
    log: /second turn/,
  },
  'never reads the body': { code: 'return new Response("ok")', body: LARGE, client: 200 },
  'enqueues after the end of its stream': {
    code: 'return new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("ok")); c.close(); setTimeout(() => c.enqueue(new Uint8Array(1))); } }))',
    client: 200,
    log: /closed/i,
  },
  'answers with 10,000 headers': {
    code: "const headers = new Headers(); for (let n = 0; n < 10_000; n++) headers.append('x-' + n, 'value'); return new Response('ok', { headers })",
    client: 200,
  },
  'sets 10,000 headers of one name': {
    code: "const headers = new Headers(); for (let n = 0; n < 10_000; n++) headers.append('set-cookie', 'c=' + n); return new Response('ok', { headers })",
    client: 200,
  },
};

const ROWS = Object.entries(MATRIX);

test('a function that fails in any way of the table affects no other request', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/good.js': 'export const onRequest = () => new Response("good");',
    ...Object.fromEntries(
      ROWS.map(([, { code }], number) => [
        `cloud-functions/bad${number}.js`,
        `export function onRequest() {\n  ${code}\n}`,
      ]),
    ),
  });
  const running = await startNexthop(t, { site, env: { FUNCTION_TIMEOUT: '5s' } });
  const url = `http://127.0.0.1:${running.port}`;
  const read = async (name: string) => readFile(join(running.logDir, name), 'utf8');

  const seen: unknown[] = [];
  for (const [number, [what, { body }]] of ROWS.entries()) {
    const failing = ask(`${url}/bad${number}`, body);
    t.is(await (await fetch(`${url}/good`)).text(), 'good', what);
    const client = await failing;
    t.is(await (await fetch(`${url}/good`)).text(), 'good', what);
    const line = await untilResult(
      async () => (await read('access.log')).split('\n').find((each) => each.includes(`/bad${number} `)) ?? '',
      (found) => found !== '',
    );
    seen.push([what, client, JSON.parse(line).fault || undefined]);
  }

  t.deepEqual(
    seen,
    ROWS.map(([what, { client, fault }]) => [what, client, fault]),
  );
  const expected = ROWS.flatMap(([, { log }]) => log ?? []);
  const isWritten = (text: string) => expected.every((each) => each.test(text));
  t.true(isWritten(await untilResult(() => read('error.log'), isWritten)));
  t.is(running.child.exitCode, null);
});

test('a function that adds members to Object.prototype and throws gets a 500', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/pollute.js':
      'export function onRequest() { Object.prototype.headers = { x: 1 }; Object.prototype.status = 299; throw new Error("polluted"); }',
    'public/good.txt': 'good',
  });
  const { port } = await startNexthop(t, { site });

  t.is(await ask(`http://127.0.0.1:${port}/pollute`, undefined), 500);
  t.is(await ask(`http://127.0.0.1:${port}/pollute`, undefined), 500);
  t.is(await (await fetch(`http://127.0.0.1:${port}/good.txt`)).text(), 'good');
});

/** Over node:http, which reads large heads when it is asked to. */
function ask(url: string, body: string | undefined): Promise<Row['client']> {
  return new Promise((resolve) => {
    const method = body === undefined ? 'GET' : 'POST';
    const sent = request(url, { method, agent: false, maxHeaderSize: 1_000_000 }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.complete ? (response.statusCode ?? 0) : 'cut'));
      // 'close' follows.
      response.on('error', () => {});
    });
    sent.once('error', () => resolve('cut'));
    sent.end(body);
  });
}

test('an app that writes and ends after its end has answered, and other requests are answered', async (t) => {
  // A function with these members is an app of Express or connect.
  const app = `const app = (request, response) => { response.end('ok'); response.write('more'); response.end('again'); };
    app.handle = app; app.use = () => {}; export default app;`;
  const site = await siteFolder(t, { 'cloud-functions/app/[[default]].js': app, 'public/good.txt': 'good' });
  const running = await startNexthop(t, { site });

  for (let round = 0; round < 2; round++) {
    t.is(await (await fetch(`http://127.0.0.1:${running.port}/app/x`)).text(), 'ok');
    t.is(await (await fetch(`http://127.0.0.1:${running.port}/good.txt`)).text(), 'good');
  }

  const isWritten = (text: string) => /write after end/.test(text);
  t.true(isWritten(await untilResult(() => readFile(join(running.logDir, 'error.log'), 'utf8'), isWritten)));
});
