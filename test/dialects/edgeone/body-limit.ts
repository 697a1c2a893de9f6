import test, { type ExecutionContext } from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { type DialectServer, serveDialect } from '../../helpers/dialect-server.ts';
import { NO_LIMITS } from '../../helpers/project.ts';

const LIMIT_BYTES = 1000;

/** Ways in which functions read a body. Each function answers with its length. */
const READERS: Readonly<Record<string, string>> = {
  'a handler by request.text()':
    'export const onRequest = async ({ request }) => new Response(String((await request.text()).length));',
  'a handler by request.body':
    'export const onRequest = async ({ request }) => new Response(String(request.body.length));',
  'a handler from a stream': `export const config = { body: 'stream' }; export const onRequest = async ({ request }) => {
    let length = 0; for await (const chunk of request.body) length += chunk.length; return new Response(String(length)); };`,
  'a handler chunk by chunk': `export const onRequest = async ({ request }) => {
    let length = 0; for await (const chunk of request.body) length += chunk.length; return new Response(String(length)); };`,
  'an app with fetch':
    'export default { fetch: async (request) => new Response(String((await request.bytes()).length)) };',
  'an app by data events': `export default Object.assign((request, response) => {
    let length = 0; request.on('data', (chunk) => { length += chunk.length; }); request.on('end', () => response.end(String(length)));
  }, { use() {}, handle() {} });`,
  'an app by a pipe': `import { PassThrough } from 'node:stream'; import { text } from 'node:stream/consumers';
    export default Object.assign(async (request, response) => { response.end(String((await text(request.pipe(new PassThrough()))).length)); }, { use() {}, handle() {} });`,
  'an app by async iteration': `export default Object.assign(async (request, response) => {
    let length = 0; for await (const chunk of request) length += chunk.length; response.end(String(length));
  }, { use() {}, handle() {} });`,
  'an app by express.raw()': `import express from 'express'; const app = express(); app.use(express.raw({ type: () => true, limit: '1mb' }));
    app.use((request, response) => response.end(String(request.body.length))); export default app;`,
};

for (const [how, text] of Object.entries(READERS)) {
  test(`a body read by ${how} may be as large as the limit, and one byte more gets 413`, async (t) => {
    const server = await serve(t, text);

    const fits = await server.exchange(chunked(LIMIT_BYTES));
    const tooLarge = await server.exchange(chunked(LIMIT_BYTES + 1));

    t.regex(fits, /^HTTP\/1\.1 200 /);
    t.true(fits.includes(String(LIMIT_BYTES)), fits);
    t.regex(tooLarge, /^HTTP\/1\.1 413 .*body_too_large/s);
    t.is(server.exchanges[0]?.request.body.receivedBytes, LIMIT_BYTES);
  });

  test(`a Content-Length above the limit gets 413 before the body is read by ${how}`, async (t) => {
    const server = await serve(t, text);

    const answer = await server.exchange(`POST /f HTTP/1.1\r\nHost: a\r\nContent-Length: ${LIMIT_BYTES + 1}\r\n\r\n`);

    t.regex(answer, /^HTTP\/1\.1 413 .*body_too_large/s);
  });
}

test('a body that exceeds the limit after the head of the response is sent cuts the connection', async (t) => {
  const server = await serve(
    t,
    "export default Object.assign((request, response) => { response.write('begun'); request.resume(); }, { use() {}, handle() {} });",
  );
  const peer = await server.connect();
  peer.write('POST /f HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  await peer.readUntil('begun');

  peer.write(`${(LIMIT_BYTES + 1).toString(16)}\r\n${'x'.repeat(LIMIT_BYTES + 1)}\r\n`);

  t.notRegex(await peer.readToEnd(), /\r\n0\r\n\r\n$/);
  t.is(server.faults[0]?.code, 'body_too_large');
});

test('with a limit of 0 only BODY_LIMIT applies', async (t) => {
  const server = await serve(t, READERS['a handler by request.text()'] ?? '', 0);

  t.true((await server.exchange(chunked(100_000))).endsWith('100000'));
});

/** Serves a function at /f. */
function serve(t: ExecutionContext, text: string, bodyBytes = LIMIT_BYTES): Promise<DialectServer> {
  const file = text.includes('onRequest') ? 'cloud-functions/f.js' : 'cloud-functions/f/[[all]].js';
  return serveDialect(t, edgeone, { [file]: text }, { functionLimits: { ...NO_LIMITS, bodyBytes } });
}

/** A request with two chunks. The limit is exceeded in the second one. */
function chunked(length: number): string {
  const [first, second] = [Math.floor(length / 2), Math.ceil(length / 2)];
  const chunks = [first, second].map((size) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`);
  return `POST /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`;
}
