import test, { type ExecutionContext } from 'ava';
import { Fault } from '../../../../src/contract/fault.ts';
import type { JobIntake } from '../../../../src/contract/job-rule.ts';
import {
  BackgroundTarget,
  type BackgroundTargetParts,
} from '../../../../src/dialects/netlify/background/background-target.ts';
import { fromStoredBytes, type StoredRequest } from '../../../../src/dialects/netlify/background/stored-request.ts';
import { type ExchangeServer, serveExchanges } from '../../../helpers/exchange-server.ts';
import { netlifyPlatform } from '../../../helpers/lambda-server.ts';
import { untilResult } from '../../../helpers/until-result.ts';
import { writeText } from '../../../helpers/write-text.ts';

interface Intake extends Pick<JobIntake, 'push'> {
  readonly rules: string[];
  readonly stored: StoredRequest[];
  /** The promise for which each push waits. */
  mayStore: Promise<unknown>;
}

function createIntake(mayStore: Promise<unknown> = Promise.resolve()): Intake {
  const rules: string[] = [];
  const stored: StoredRequest[] = [];
  return {
    rules,
    stored,
    mayStore,
    async push(rule, payload) {
      rules.push(rule);
      stored.push(fromStoredBytes(payload));
      await this.mayStore;
      return 'job-1';
    },
  };
}

/** A background function that stores bodies of up to 10 bytes. */
function toTarget(jobs: BackgroundTargetParts['jobs']): BackgroundTarget {
  return new BackgroundTarget({
    name: 'netlify/functions/report-background.js',
    rule: 'netlify/report-background',
    jobs,
    bodyLimitBytes: 10,
    route: '/report/:id',
    platform: netlifyPlatform([]),
  });
}

async function serve(t: ExecutionContext, jobs: BackgroundTargetParts['jobs']): Promise<ExchangeServer> {
  const target = toTarget(jobs);
  return serveExchanges(t, async (exchange) => {
    await target.answer(exchange, { id: '7' });
  });
}

const REST = 'Host: shop.example\r\nConnection: close\r\n';

test('a request is stored unchanged, and the response is an empty 202 with an id', async (t) => {
  const jobs = createIntake();
  const server = await serve(t, jobs);

  const answer = await server.exchange(
    `PUT /report/7?x=%20 HTTP/1.1\r\n${REST}X-Tag: a\r\nx-tag: b\r\nContent-Length: 4\r\n\r\n\xff\x00\r\n`,
  );

  t.regex(answer, /^HTTP\/1\.1 202 Accepted\r\n/);
  t.true(answer.endsWith('\r\n\r\n'));
  t.regex(answer, /\r\ncontent-length: 0\r\n/i);
  t.deepEqual(jobs.rules, ['netlify/report-background']);
  const [stored] = jobs.stored;
  t.regex(answer, new RegExp(`\r\nx-nf-request-id: ${stored?.requestId}\r\n`));
  t.like(stored, {
    method: 'PUT',
    url: 'http://shop.example/report/7?x=%20',
    clientAddress: '127.0.0.1',
    params: { id: '7' },
    route: '/report/:id',
  });
  t.deepEqual(stored?.rawHeaders.slice(-6), ['X-Tag', 'a', 'x-tag', 'b', 'Content-Length', '4']);
  t.deepEqual(stored?.body, Buffer.from('\xff\x00\r\n', 'latin1'));
});

for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PATCH']) {
  test(`a ${method} request is accepted`, async (t) => {
    const jobs = createIntake();
    const server = await serve(t, jobs);

    t.regex(await server.exchange(`${method} / HTTP/1.1\r\n${REST}\r\n`), /^HTTP\/1\.1 202 /);
    t.is(jobs.stored[0]?.method, method);
  });
}

test('the response is sent after the job is stored', async (t) => {
  const mayStore = Promise.withResolvers<void>();
  const jobs = createIntake(mayStore.promise);
  const server = await serve(t, jobs);
  const peer = await server.connect();
  peer.write(`GET / HTTP/1.1\r\n${REST}\r\n`);
  await untilResult(
    async () => jobs.stored.length,
    (count) => count === 1,
  );

  // The response to a later request shows that this one had enough time.
  t.regex(await server.exchange(`POST / HTTP/1.1\r\n${REST}Content-Length: 11\r\n\r\n`), /^HTTP\/1\.1 413 /);
  t.is(peer.received, '');
  mayStore.resolve();
  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 202 /);
});

test('a job that cannot be stored gets 503', async (t) => {
  const server = await serve(t, createIntake(Promise.reject(new Fault('store_unavailable'))));

  const answer = await server.exchange(`GET / HTTP/1.1\r\n${REST}\r\n`);
  t.regex(answer, /^HTTP\/1\.1 503 /);
  t.regex(answer, /\r\nx-nf-request-id: [0-9A-Z]{26}\r\n/);
  t.is(server.faults[0]?.code, 'store_unavailable');
});

test('without a queue a background request gets 503', async (t) => {
  const server = await serve(t, undefined);

  t.regex(await server.exchange(`GET / HTTP/1.1\r\n${REST}\r\n`), /^HTTP\/1\.1 503 /);
});

const LARGE = {
  'an announced length': `${REST}Content-Length: 11\r\n\r\n12345678901`,
  chunks: `${REST}Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n`,
};
for (const [framing, rest] of Object.entries(LARGE)) {
  test(`a body that is too large by ${framing} gets 413, and nothing is stored`, async (t) => {
    const jobs = createIntake();
    const server = await serve(t, jobs);

    t.regex(await server.exchange(`POST / HTTP/1.1\r\n${rest}`), /^HTTP\/1\.1 413 /);
    t.deepEqual(jobs.stored, []);
  });
}

test('a body of exactly the limit is accepted, after 100 Continue', async (t) => {
  const jobs = createIntake();
  const server = await serve(t, jobs);
  const peer = await server.connect();

  peer.write(`POST / HTTP/1.1\r\n${REST}Expect: 100-continue\r\nContent-Length: 10\r\n\r\n`);
  await peer.readUntil('100 Continue\r\n\r\n');
  peer.write('1234567890');

  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 202 /);
  t.is(jobs.stored[0]?.body.toString(), '1234567890');
});

test('a complete request is stored even if the client does not wait for the response', async (t) => {
  const mayStore = Promise.withResolvers<void>();
  const jobs = createIntake(mayStore.promise);
  const server = await serve(t, jobs);
  const peer = await server.connect();
  peer.write(`GET / HTTP/1.1\r\n${REST}\r\n`);
  await untilResult(
    async () => jobs.stored.length,
    (count) => count === 1,
  );

  peer.reset();
  await untilResult(
    async () => server.exchanges[0]?.left,
    (left) => left === true,
  );
  mayStore.resolve();

  t.is((await server.exchange(`GET / HTTP/1.1\r\n${REST}\r\n`)).slice(9, 12), '202');
  t.deepEqual(server.faults, []);
});

test('a request whose body is incomplete is not stored', async (t) => {
  const jobs = createIntake();
  const server = await serve(t, jobs);
  const peer = await server.connect();
  peer.write(`POST / HTTP/1.1\r\n${REST}Content-Length: 10\r\n\r\n123`);
  await untilResult(
    async () => server.exchanges.length,
    (count) => count === 1,
  );

  peer.reset();

  await untilResult(
    async () => server.faults[0]?.code,
    (code) => code === 'client_left',
  );
  t.deepEqual(jobs.stored, []);
});

test('a background function passes a WebSocket', async (t) => {
  const jobs = createIntake();
  const target = toTarget(jobs);
  const server = await serveExchanges(t, async (exchange) => {
    // Only the presence of the member is checked.
    exchange.upgrade = {} as Exclude<typeof exchange.upgrade, undefined>;
    writeText(exchange, 200, await target.answer(exchange, {}));
  });

  t.true((await server.exchange(`GET / HTTP/1.1\r\n${REST}\r\n`)).endsWith('passed'));
  t.deepEqual(jobs.stored, []);
});

test('a Host that forms no URL gets 400, and no job is stored', async (t) => {
  const jobs = createIntake();
  const server = await serve(t, jobs);

  t.regex(await server.exchange('GET / HTTP/1.1\r\nHost: a:99999\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /);
  t.deepEqual(jobs.stored, []);
});
