import test from 'ava';
import type { Upgrade } from '../../../../src/contract/upgrade.ts';
import { FunctionTarget } from '../../../../src/dialects/netlify/call/function-target.ts';
import { toPlatform } from '../../../../src/dialects/netlify/call/platform.ts';
import { withExchange } from '../../../helpers/exchange.ts';
import { serveFunction } from '../../../helpers/function-server.ts';
import { NO_LIMITS, project } from '../../../helpers/project.ts';

const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const SHOW_HEADERS = 'export default ({ headers }) => Response.json(Object.fromEntries(headers));';

test('a body over the limit of functions gets 413, and reading it rejects with that error', async (t) => {
  const server = await serveFunction(t, `export default async (request) => new Response(await request.text());`, {
    project: { functionLimits: { ...NO_LIMITS, bodyBytes: 4 } },
  });

  const announced = await server.exchange('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345');
  const chunked = await server.exchange(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n',
  );
  const small = await fetch(server.url, { method: 'POST', body: '1234' });

  for (const answer of [announced, chunked]) {
    t.regex(answer, /^HTTP\/1\.1 413 .*\r\nx-nf-request-id: [0-9A-Z]{26}\r\n/s);
  }
  t.is(await small.text(), '1234');
});

test('the body of a GET is ignored, and the connection stays open', async (t) => {
  const server = await serveFunction(t, `export default async (request) => new Response(String(request.body));`);
  const peer = await server.connect();

  for (const _ of [1, 2]) {
    peer.write('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody');
    t.regex(await peer.readHead(), /^HTTP\/1\.1 200 OK\r\n/);
    t.is(await peer.readBytes(4), 'null');
  }
});

for (const [owner, limits] of [
  ["the site's", { project: { functionLimits: { ...NO_LIMITS, timeoutMs: 50 } } }],
  ["the function's own", { project: { functionLimits: { ...NO_LIMITS, timeoutMs: 60_000 } }, timeoutMs: 50 }],
] as const) {
  test(`a function that does not respond within ${owner} time gets 504, and other requests are served meanwhile`, async (t) => {
    const server = await serveFunction(
      t,
      `export default ({ url, signal }) => url.endsWith('/quick') ? new Response('quick') : new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(new Response('late')));
      });`,
      limits,
    );

    const slow = fetch(server.url);
    const quick = await fetch(`${server.url}/quick`);
    const answer = await slow;

    t.is(await quick.text(), 'quick');
    t.is(answer.status, 504);
    t.regex(answer.headers.get('x-nf-request-id') ?? '', /^[0-9A-Z]{26}$/);
    t.is(server.faults[0]?.code, 'function_timeout');
  });
}

test('a WebSocket is passed on, and the function is not called', async (t) => {
  const platform = toPlatform(await project(t, {}));
  const run = (): never => t.fail('is not to be called') as never;
  const target = new FunctionTarget({ name: 'f', run, route: undefined, limits: platform.limits.of(), platform });
  const { exchange } = await withExchange(t, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  exchange.upgrade = {} as Upgrade; // is not looked into

  t.is(await target.answer(exchange, {}), 'passed');
  t.is(exchange.platformId, undefined);
});

test('function and client see the id that a trusted peer sent', async (t) => {
  const server = await serveFunction(t, SHOW_HEADERS);

  const answer = await fetch(server.url, {
    headers: { 'X-NF-Request-Id': ID, 'x-nf-client-connection-ip': '203.0.113.7' },
  });

  t.is(answer.headers.get('x-nf-request-id'), ID);
  const headers = (await answer.json()) as Record<string, string>;
  t.like(headers, { 'x-nf-request-id': ID, 'x-nf-client-connection-ip': '203.0.113.7' });
});

for (const [what, trusted, id] of [
  ['of an untrusted peer', false, ID],
  ['that is not a ULID', true, 'some-id'],
  ['with two values', true, `${ID}, ${ID}`],
] as const) {
  test(`an id ${what} is not used`, async (t) => {
    const server = await serveFunction(t, SHOW_HEADERS, { trusted });

    const answer = await fetch(server.url, {
      headers: { 'x-nf-request-id': id, 'x-nf-client-connection-ip': 'no-address' },
    });

    const headers = (await answer.json()) as Record<string, string>;
    t.regex(headers['x-nf-request-id'] ?? '', /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    t.not(headers['x-nf-request-id'], ID);
    t.is(answer.headers.get('x-nf-request-id'), headers['x-nf-request-id'] ?? '');
    t.is(headers['x-nf-client-connection-ip'], '127.0.0.1');
  });
}

test('ids increase, and each is unique', async (t) => {
  const { requestIds } = toPlatform(await project(t, {}));
  const { exchange } = await withExchange(t, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');

  const ids = Array.from({ length: 3000 }, () => requestIds.of(exchange));

  t.deepEqual(ids, [...new Set(ids)].sort());
});

for (const host of ['a:99999', 'a b', 'a@b']) {
  test(`a Host of ${JSON.stringify(host)} forms no URL and gets 400, and the function is not called`, async (t) => {
    const server = await serveFunction(t, `export default () => { throw new Error('called'); };`);

    const answer = await server.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

    t.regex(answer, /^HTTP\/1\.1 400 .*bad_request/s);
  });
}
