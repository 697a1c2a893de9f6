import test from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';

const NOT_FOUND = { error: 'Not Found', message: 'The requested path does not exist' };

interface Row {
  readonly returns: string;
  readonly status: number;
  readonly body: unknown;
}

const ROWS: readonly Row[] = [
  { returns: '{ a: 1 }', status: 200, body: { a: 1 } },
  { returns: '"text"', status: 200, body: 'text' },
  { returns: '7', status: 200, body: 7 },
  { returns: 'Promise.resolve([1])', status: 200, body: [1] },
  { returns: 'undefined', status: 404, body: NOT_FOUND },
  { returns: 'null', status: 404, body: NOT_FOUND },
  { returns: '""', status: 404, body: NOT_FOUND },
  { returns: 'false', status: 404, body: NOT_FOUND },
];

for (const { returns, status, body } of ROWS) {
  test(`a handler that returns ${returns} answers ${status} as JSON`, async (t) => {
    const text = `export const onRequest = () => (${returns});`;
    const { url } = await serveDialect(t, edgeone, { 'cloud-functions/a.js': text });

    const response = await fetch(`${url}/a`);

    t.is(response.status, status);
    t.is(response.headers.get('content-type'), 'application/json');
    t.deepEqual(await response.json(), body);
  });
}

for (const returns of ['() => 1', '10n', 'Symbol.iterator', '(() => { const a = {}; a.a = a; return a })()']) {
  test(`a handler that returns ${returns} is a function_bad_answer`, async (t) => {
    const text = `export const onRequest = () => (${returns});`;
    const { url, faults } = await serveDialect(t, edgeone, { 'cloud-functions/a.js': text });

    const response = await fetch(`${url}/a`);

    t.is(response.status, 500);
    t.is(faults[0]?.code, 'function_bad_answer');
  });
}

const FAILURES: readonly (readonly [string, string])[] = [
  ['throws', 'export const onRequest = () => { throw new Error("mine") };'],
  ['rejects', 'export const onRequest = () => Promise.reject(new Error("mine"));'],
  ['throws a string', 'export const onRequest = () => { throw "mine" };'],
  ['throws a Response', 'export const onRequest = () => { throw new Response("mine") };'],
];

for (const [title, text] of FAILURES) {
  test(`a handler that ${title} is a function_error, and the client gets no detail of it`, async (t) => {
    const { url, faults } = await serveDialect(t, edgeone, { 'cloud-functions/a.js': text });

    const response = await fetch(`${url}/a`);

    t.is(response.status, 500);
    t.is(faults[0]?.code, 'function_error');
    t.truthy(faults[0]?.cause);
    t.notRegex(await response.text(), /mine|secret/);
  });
}

test('a Response is streamed with its status, its headers and each of its cookies', async (t) => {
  const text = `export const onRequest = () => {
    const headers = new Headers({ 'X-Own': 'yes' });
    headers.append('Set-Cookie', 'a=1');
    headers.append('Set-Cookie', 'b=2');
    const body = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('x')); c.close(); } });
    return new Response(body, { status: 201, headers });
  };`;
  const { url } = await serveDialect(t, edgeone, { 'cloud-functions/a.js': text });

  const response = await fetch(`${url}/a`);

  t.is(response.status, 201);
  t.is(response.headers.get('x-own'), 'yes');
  t.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
  t.is(await response.text(), 'x');
});

test('a HEAD calls onRequest, and no body is sent', async (t) => {
  const text = 'export const onRequest = ({ request }) => ({ method: request.method });';
  const server = await serveDialect(t, edgeone, { 'cloud-functions/a.js': text });

  const answer = await server.exchange('HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.is(server.exchanges[0]?.response.sentBytes, 0);
  t.regex(answer, /^HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Length: 17\r\n[\s\S]*\r\n\r\n$/);
});

test('onRequest gets requests of any other method', async (t) => {
  const text = 'export const onRequest = ({ request }) => request.method;';
  const server = await serveDialect(t, edgeone, { 'cloud-functions/a.js': text });

  const answer = await server.exchange('PURGE /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.true(answer.endsWith('"PURGE"'));
});
