import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { currentCall } from '../../../src/process/site-calls.ts';
import { type RunningEdge, startEdge } from '../../helpers/edge.ts';
import { siteFolder } from '../../helpers/site-folder.ts';
import { until } from '../../helpers/until.ts';

const IMPORTS = `import { PassThrough, Readable, pipeline } from 'node:stream';`;

/** By framework: a file whose app runs these statements, in which `response` is Node's. */
const FRAMEWORKS: Readonly<Record<string, (statements: string) => string>> = {
  'Express 5': (statements) =>
    `import express from 'express'; ${IMPORTS} const app = express(); app.use((request, response) => { ${statements} }); export default app;`,
  'Express 4': (statements) =>
    `import express from 'express4'; ${IMPORTS} const app = express(); app.use((request, response) => { ${statements} }); export default app;`,
  Koa: (statements) =>
    `import Koa from 'koa'; ${IMPORTS} const app = new Koa(); app.silent = true;
    app.use((ctx) => { ctx.respond = false; const response = ctx.res; ctx.status = 200; ${statements} }); export default app;`,
};

async function edgeWith(t: ExecutionContext, app: string): Promise<RunningEdge> {
  const site = await siteFolder(t, { 'cloud-functions/[[default]].js': app });
  await symlink(join(import.meta.dirname, '../../../node_modules'), join(site, 'node_modules'));
  return startEdge(t, { site });
}

/** All bytes received on a connection that the client keeps open. */
async function get(edge: RunningEdge): Promise<string> {
  const peer = await edge.connect();
  peer.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
  return peer.readToEnd();
}

const MISMATCHES: Readonly<Record<string, readonly [statements: string, isReported: boolean]>> = {
  'one chunk, longer': ['response.setHeader("Content-Length", 3); response.end("abcdef")', true],
  'one chunk, shorter': ['response.setHeader("Content-Length", "10"); response.end("abc")', true],
  'no body': ['response.setHeader("Content-Length", 10); response.end()', true],
  'a length in characters': ['response.setHeader("Content-Length", "äöü".length); response.end("äöü")', true],
  'a first chunk that is longer': [
    'response.setHeader("Content-Length", 3); response.write("abcdef"); response.end()',
    true,
  ],
  'longer, after writeHead': ['response.writeHead(200, { "Content-Length": 3 }); response.end("abcdef")', false],
  'shorter, after writeHead': ['response.writeHead(200, ["Content-Length", "10"]); response.end("abc")', false],
  'a second chunk that is longer': [
    'response.writeHead(200, "Fine", { "content-length": 3 }); response.write("abc"); setImmediate(() => response.end("def"))',
    false,
  ],
  'a pipe that is longer': [
    'response.setHeader("content-length", 3); Readable.from(["abc", "def", "ghi"]).pipe(response)',
    false,
  ],
  'a pipe that is shorter': [
    'response.setHeader("content-length", 10); Readable.from(["abc", "gh"]).pipe(response)',
    false,
  ],
};

for (const [framework, toApp] of Object.entries(FRAMEWORKS)) {
  for (const [what, [statements, isReported]] of Object.entries(MISMATCHES)) {
    test(`a body of ${framework} that differs from its Content-Length (${what}) closes the connection, and no byte beyond the length is sent`, async (t) => {
      const edge = await edgeWith(t, toApp(statements));

      const answer = await get(edge);

      t.notRegex(answer, /abcdef|\ndef/);
      if (isReported) t.regex(answer, /^HTTP\/1\.1 500 .*connection: close.*function_bad_answer/is);
      const [line] = await edge.accessLines(1);
      t.like(line, {
        fault: 'function_bad_answer',
        status: isReported ? '500' : '200',
        target: 'cloud-functions/[[default]].js',
      });
      await edge.close();
      const lines = await edge.errorLines();
      t.is(lines.length, 1);
      t.like(lines[0], { code: 'function_bad_answer', target: 'cloud-functions/[[default]].js' });
      t.regex(String(lines[0]?.message), /the body is (?:longer|shorter) than its Content-Length, \d+/);
    });
  }
}

test('a Koa response whose length counts characters becomes a 500', async (t) => {
  const edge = await edgeWith(
    t,
    `import Koa from 'koa'; const app = new Koa(); app.use((ctx) => { ctx.body = 'äöü'; ctx.length = 3; }); export default app;`,
  );

  t.regex(await get(edge), /^HTTP\/1\.1 500 .*function_bad_answer[^\r]*$/s);
});

test('an Express app whose own prototypes have members of requests and responses is called as under node:http', async (t) => {
  const edge = await edgeWith(
    t,
    `import express from 'express'; import { ServerResponse } from 'node:http'; const app = express();
    Object.defineProperty(app.request, 'context', { get: () => 'own' });
    Object.defineProperty(app.request, 'headers', { get() { return { host: this.rawHeaders[1] }; } });
    app.response.setHeader = function (name, value) { this.locals.name = name; return ServerResponse.prototype.setHeader.call(this, name, value); };
    app.use((request, response) => { response.setHeader('X-Host', request.headers.host); response.end(response.locals.name); }); export default app;`,
  );

  const answer = await edge.exchange('GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.regex(answer, /^HTTP\/1\.1 200 .*\r\nX-Host: a\r\n.*\r\n\r\nX-Host$/s);
});

/** Valid responses, which are sent as the app writes them. */
const VALID: Readonly<Record<string, readonly [statements: string, pattern: RegExp, bytes: number]>> = {
  'end alone': ['response.end("abc")', /\r\nContent-Length: 3\r\n.*\r\nabc$/s, 3],
  'end with an encoding': ['response.end("616263", "hex")', /\r\nContent-Length: 3\r\n.*\r\nabc$/s, 3],
  'write and end': [
    'response.setHeader("Content-Length", 6); response.write("abc"); response.end(Buffer.from("def"))',
    /\r\n\r\nabcdef$/s,
    6,
  ],
  'characters outside of ASCII': ['response.setHeader("Content-Length", 6); response.end("äöü")', /\r\n\r\n.{6}$/s, 6],
  chunks: [
    'response.write("abc"); setImmediate(() => response.end("def", () => {}))',
    /chunked.*\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n$/s,
    6,
  ],
  'a pipe': ['Readable.from(["abc", "def"]).pipe(response)', /\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n$/s, 6],
  'a pipeline': [
    'pipeline(Readable.from(["abc", "def"]), new PassThrough(), response, () => {})',
    /\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n$/s,
    6,
  ],
  nothing: ['response.end()', /\r\nContent-Length: 0\r\n.*\r\n$/s, 0],
  '304 with a length': [
    'response.writeHead(304, { "Content-Length": 9 }); response.end()',
    /^HTTP\/1\.1 304 .*\r\nContent-Length: 9\r\n/s,
    0,
  ],
  '204, whose length is removed': [
    'response.writeHead(204, { "Content-Length": 9 }); response.end()',
    /^HTTP\/1\.1 204 (?!.*content-length)/is,
    0,
  ],
  'an invalid length': [
    'response.setHeader("Content-Length", "3.0"); response.end("abc")',
    /chunked(?!.*content-length).*\r\n3\r\nabc\r\n0\r\n\r\n$/is,
    3,
  ],
  'a length and Transfer-Encoding': [
    'response.writeHead(200, { "Content-Length": 3, "Transfer-Encoding": "chunked" }); response.end("abcdef")',
    /chunked(?!.*content-length).*\r\n6\r\nabcdef\r\n0\r\n\r\n$/is,
    6,
  ],
  'the same length twice': [
    'response.setHeader("Content-Length", ["3", "3"]); response.end("abc")',
    /^(?!.*content-length.*content-length).*content-length: 3\r\n.*abc$/is,
    3,
  ],
  'two different lengths': [
    'response.writeHead(200, ["Content-Length", "3", "Content-Length", "6"]); response.end("abc")',
    /chunked(?!.*content-length).*\r\n3\r\nabc\r\n0\r\n\r\n$/is,
    3,
  ],
};

for (const [what, [statements, pattern, bytes]] of Object.entries(VALID)) {
  test(`an app may answer with ${what}, and the access log has the length of the body`, async (t) => {
    const edge = await edgeWith(t, FRAMEWORKS['Express 5']?.(statements) ?? '');

    const answer = await edge.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const head = await edge.exchange('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

    t.regex(answer, pattern);
    t.is(head.split('\r\n\r\n')[1], '');
    const [line, headLine] = await edge.accessLines(2);
    t.like(line, { response_body_bytes: String(bytes), fault: '' });
    t.like(headLine, { response_body_bytes: '0', fault: '' });
    t.deepEqual(await edge.errorLines(), []);
  });
}

test('a response to HEAD may have a length that differs from what the app writes', async (t) => {
  const edge = await edgeWith(
    t,
    FRAMEWORKS['Express 5']?.('response.writeHead(200, { "Content-Length": 10 }); response.end("abc")') ?? '',
  );

  const answer = await edge.exchange('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 200 .*\r\nContent-Length: 10\r\n.*\r\n$/s);
  t.deepEqual(await edge.errorLines(), []);
});

test('the access log has the compressed length of a body that an app compresses', async (t) => {
  const edge = await edgeWith(
    t,
    `import express from 'express'; import compression from 'compression'; const app = express();
    app.use(compression({ threshold: 0 })); app.get('/', (request, response) => response.send('a'.repeat(10_000))); export default app;`,
  );

  t.is(await (await fetch(edge.url)).text(), 'a'.repeat(10_000));

  const [line] = await edge.accessLines(1);
  t.true(Number(line?.response_body_bytes) > 0 && Number(line?.response_body_bytes) < 1000);
});

for (const [what, statements, status] of [
  [
    'fails before its first chunk',
    'pipeline(new Readable({ read() { this.destroy(new Error("no more")); } }), response, () => {})',
    '500',
  ],
  ['is destroyed before it begins', 'response.destroy()', '500'],
  [
    'fails after its first chunk',
    'response.write("abc"); setImmediate(() => response.destroy(new Error("no more")))',
    '200',
  ],
] as const) {
  test(`a response of an app that ${what} is a fault of the function`, async (t) => {
    const edge = await edgeWith(t, FRAMEWORKS['Express 5']?.(statements) ?? '');

    const answer = await get(edge);

    t.is(answer.slice(9, 12), status);
    if (status === '200') t.true(answer.endsWith('3\r\nabc\r\n'));
    t.like((await edge.accessLines(1))[0], { status, fault: 'function_error', fault_origin: 'function' });
    await edge.close();
    const lines = await edge.errorLines();
    t.is(lines.length, 1);
    t.like(lines[0], { code: 'function_error', target: 'cloud-functions/[[default]].js' });
  });
}

test('data that an app writes after its fault is discarded, and its callbacks are called', async (t) => {
  const edge = await edgeWith(
    t,
    FRAMEWORKS['Express 5']?.(`
      response.setHeader('Content-Length', 3);
      globalThis.callbacks = new Promise((resolve) => response.end('abcdef', () => response.write('x', () => response.end(resolve))));
      response.setHeader('x-late', '1');
      response.write('more');
      queueMicrotask(() => response.end('more'));`) ?? '',
  );

  t.regex(await get(edge), /^HTTP\/1\.1 500 (?!.*(?:x-late|more|abc)).*function_bad_answer/s);
  await (globalThis as unknown as { callbacks: Promise<void> }).callbacks;
});

test('listeners of a request and its response run for the call of the app that has ended the response', async (t) => {
  const codes: (string | undefined)[] = [];
  Reflect.set(globalThis, 'noteCall', (event: string) => codes.push(`${event} ${currentCall()?.calledCode}`));
  const edge = await edgeWith(
    t,
    FRAMEWORKS['Express 5']?.(`
      request.on('data', () => noteCall('data'));
      if (request.method === 'GET') response.on('finish', () => noteCall('finish'));
      response.end('x');`) ?? '',
  );
  const peer = await edge.connect();
  peer.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n');
  await peer.readUntil('\r\n\r\nx');
  peer.write('hi');
  await until(() => codes.length === 1, 'the body');
  peer.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => codes.length === 2, 'the end of the response');
  t.deepEqual(
    codes,
    ['data', 'finish'].map((event) => `${event} cloud-functions/[[default]].js`),
  );
});
