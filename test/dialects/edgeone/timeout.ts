import test, { type ExecutionContext } from 'ava';
import type { Log } from '../../../src/contract/log.ts';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { type DialectServer, serveDialect } from '../../helpers/dialect-server.ts';
import { NO_LIMITS } from '../../helpers/project.ts';
import { until } from '../../helpers/until.ts';

const LIMIT_MS = 50;

const NEVER: Readonly<Record<string, string>> = {
  'a handler': 'export const onRequest = () => new Promise(() => {});',
  'an app with fetch': 'export default { fetch: () => new Promise(() => {}) };',
  'an app that returns': app('() => {}'),
  'an app that waits': app('() => new Promise(() => {})'),
};

for (const [what, text] of Object.entries(NEVER)) {
  test(`a request to ${what} that does not answer gets 504, a fault of the function`, async (t) => {
    const { server } = await serve(t, text);

    const answer = await server.exchange('GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

    t.regex(answer, /^HTTP\/1\.1 504 .*function_timeout/s);
    t.is(server.faults[0]?.origin, 'function');
  });
}

test('the signal of the request aborts at the time limit', async (t) => {
  const { server } = await serve(
    t,
    `export const onRequest = ({ request: { signal } }) => new Promise((resolve) => {
      signal.addEventListener('abort', () => { globalThis.timeoutReason = signal.reason.code; resolve(new Response('late')); });
    });`,
  );

  const { status } = await fetch(`${server.url}/f`);

  t.is(status, 504);
  t.is((globalThis as { timeoutReason?: string }).timeoutReason, 'function_timeout'); // set by the function
});

test('the result of a handler after its time limit is not used, and logged once', async (t) => {
  const { server, lines } = await serve(
    t,
    `export const onRequestGet = () => new Promise((resolve) => { globalThis.endLate = resolve; });
     export const onRequestPost = () => new Promise((resolve, reject) => { globalThis.endLate = () => reject(new Error('mine')); });`,
  );

  for (const method of ['GET', 'POST']) {
    const { status } = await fetch(`${server.url}/f`, { method });
    t.is(status, 504);
    (globalThis as unknown as { endLate(value: unknown): void }).endLate('late'); // set by the function
  }

  await until(() => lines.length === 2, 'both lines');
  t.regex(lines[0]?.message ?? '', /after its timeout/);
  t.deepEqual(
    lines.map(({ fields }) => String(fields.error)),
    ['undefined', 'Error: mine'],
  );
});

test('data that an app writes after its time limit is discarded, and logged once', async (t) => {
  const { server, lines } = await serve(
    t,
    app(`(request, response) => { globalThis.answerLate = () => {
      response.setHeader('x', '1').writeHead(200, { y: '2' });
      return new Promise((resolve) => { response.write('late', resolve); }).then(() => response.end('late').headersSent);
    }; }`),
  );
  const answer = await server.exchange('GET /f HTTP/1.1\r\nHost: a\r\n\r\n');

  const headersSent = await (globalThis as unknown as { answerLate(): Promise<boolean> }).answerLate(); // set by the app

  t.true(headersSent);
  t.regex(answer, /^HTTP\/1\.1 504 .*\r\nConnection: close\r\n/s);
  t.notRegex(answer, /late/);
  t.is(lines.length, 1);
});

for (const [what, text] of Object.entries({
  'a handler': `export const onRequest = async () => new Response(new ReadableStream({ start(controller) {
    controller.enqueue(new TextEncoder().encode('one')); globalThis.continueStream = () => { controller.enqueue(new TextEncoder().encode('two')); controller.close(); };
  } }));`,
  'an app': app(
    "(request, response) => { response.write('one'); globalThis.continueStream = () => response.end('two'); }",
  ),
})) {
  test.serial(`the stream of ${what} may last longer than the time limit`, async (t) => {
    const { server } = await serve(t, text);
    const peer = await server.connect();
    peer.write('GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await peer.readUntil('one');

    // A function that was called after this stream began has exceeded the same limit.
    const other = await serve(t, NEVER['a handler'] ?? '');
    await fetch(`${other.server.url}/f`);
    (globalThis as unknown as { continueStream(): void }).continueStream(); // set by the function

    t.regex(await peer.readToEnd(), /two/);
    t.deepEqual(server.faults, []);
  });
}

test('the time in which the client sends its body does not count', async (t) => {
  const { server } = await serve(
    t,
    'export const onRequest = async ({ request }) => new Response(await request.text());',
  );
  const peer = await server.connect();
  peer.write('POST /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nha');

  const other = await serve(t, NEVER['a handler'] ?? '');
  await fetch(`${other.server.url}/f`);
  peer.write('lf');

  t.true((await peer.readToEnd()).endsWith('half'));
});

/** Serves a function at /f, and collects the warnings of the log. */
async function serve(t: ExecutionContext, text: string): Promise<{ server: DialectServer; lines: Line[] }> {
  const lines: Line[] = [];
  const log = { warn: (message: string, fields: Line['fields']) => lines.push({ message, fields }) } as unknown as Log; // nothing else is called
  const file = text.includes('onRequest') ? 'cloud-functions/f.js' : 'cloud-functions/f/[[all]].js';
  const parts = { log, functionLimits: { ...NO_LIMITS, timeoutMs: LIMIT_MS } };
  return { server: await serveDialect(t, edgeone, { [file]: text }, parts), lines };
}

interface Line {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A file with an app that gets Node's request and response. */
function app(listener: string): string {
  return `export default Object.assign(${listener}, { use() {}, handle() {} });`;
}
