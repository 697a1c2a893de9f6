import { Readable } from 'node:stream';
import test from 'ava';
import type { JobRule } from '../../../../src/contract/job-rule.ts';
import { toBackgroundRule } from '../../../../src/dialects/netlify/background/background-rule.ts';
import { type StoredRequest, toStoredBytes } from '../../../../src/dialects/netlify/background/stored-request.ts';
import type { Context } from '../../../../src/dialects/netlify/call/context.ts';
import type { LambdaContext } from '../../../../src/dialects/netlify/call/lambda-context.ts';
import type { LambdaEvent } from '../../../../src/dialects/netlify/call/lambda-event.ts';
import { toLambdaRun } from '../../../../src/dialects/netlify/call/lambda-run.ts';
import { toModernRun } from '../../../../src/dialects/netlify/call/modern-run.ts';
import { declaration, jobAttempt } from '../../../helpers/job-attempt.ts';
import { type LogLine, netlifyPlatform } from '../../../helpers/lambda-server.ts';

const STORED: StoredRequest = {
  method: 'POST',
  url: 'https://shop.example/report/7?x=1',
  rawHeaders: ['Host', 'shop.example', 'Content-Type', 'application/json', 'X-Nexthop-Job-Id', 'forged', 'TE', 'gzip'],
  clientAddress: '198.51.100.7',
  trusted: false,
  requestId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  params: { id: '7' },
  route: '/report/:id',
  body: Buffer.from('{"a":1}'),
};
const PAYLOAD = toStoredBytes(STORED);

type Modern = (request: Request, context: Context) => unknown;

function modern(handler: Modern, lines: LogLine[] = [], timeoutMs = 900_000): JobRule {
  const platform = netlifyPlatform(lines);
  const run = toModernRun({ default: handler }, platform);
  return toBackgroundRule({ declaration: declaration('report-background'), run, timeoutMs, platform });
}

function lambda(handler: unknown): JobRule {
  const platform = netlifyPlatform([]);
  const run = toLambdaRun({ handler }, { name: 'old-background', file: 'old-background.js', platform });
  if (!run) throw new TypeError('no handler');
  return toBackgroundRule({ declaration: declaration('old-background'), run, timeoutMs: 900_000, platform });
}

test('a failed job runs again after one minute and after two more minutes', (t) => {
  const rule = modern(() => {});

  t.is(rule.name, 'netlify/report-background');
  t.is(rule.file, 'netlify/functions/report-background.js');
  t.is(rule.timeoutMs, 900_000);
  t.deepEqual(rule.retryAfterMs, [60_000, 120_000]);
});

test("the timeout of the function's own configuration overrides the setting", (t) => {
  const platform = netlifyPlatform([]);
  const run = toModernRun({ default() {} }, platform);
  const own = declaration('x-background', { timeoutMs: 5000 });

  t.is(toBackgroundRule({ declaration: own, run, timeoutMs: 900_000, platform }).timeoutMs, 5000);
});

test('a modern function gets the request as its client sent it, with the id and the attempt of the job', async (t) => {
  const seen: unknown[] = [];
  const rule = modern(async (request, context) => {
    const { headers } = request;
    const names = ['host', 'te', 'x-nexthop-job-id', 'x-nexthop-job-attempt', 'x-nf-request-id', 'x-forwarded-for'];
    seen.push(
      request.method,
      request.url,
      names.map((name) => headers.get(name)),
      await request.json(),
    );
    seen.push(context.params, context.path, context.ip, context.requestId);
  });

  await rule.run(jobAttempt({ payload: PAYLOAD, id: 'job-9', number: 2 }));

  t.deepEqual(seen, [
    ...['POST', STORED.url, ['shop.example', null, 'job-9', '2', STORED.requestId, STORED.clientAddress], { a: 1 }],
    ...[{ id: '7' }, '/report/:id', '198.51.100.7', STORED.requestId],
  ]);
});

test('a Lambda-compatible function gets the request as event, and the id of the job as awsRequestId', async (t) => {
  const seen: unknown[] = [];
  const rule = lambda(async ({ headers, body, path, route }: LambdaEvent, context: LambdaContext) => {
    seen.push(headers['x-nexthop-job-id'], headers['x-nexthop-job-attempt'], headers['x-nf-request-id']);
    seen.push(context.awsRequestId, body, path, route, context.getRemainingTimeInMillis() > 890_000);
  });

  await rule.run(jobAttempt({ payload: PAYLOAD, id: 'job-9' }));

  t.deepEqual(seen, ['job-9', '1', STORED.requestId, 'job-9', '{"a":1}', '/report/7', '/report/:id', true]);
});

test('a GET runs without its body, because a GET Request cannot have one', async (t) => {
  const bodies: unknown[] = [];
  const rule = modern((request) => void bodies.push(request.body));

  await rule.run(jobAttempt({ payload: toStoredBytes({ ...STORED, method: 'GET' }) }));

  t.deepEqual(bodies, [null]);
});

const ANYTHING = [undefined, null, 'text', { a: 1 }, new Response('no', { status: 500 }), { statusCode: 500 }];
for (const value of ANYTHING) {
  test(`the return value of a function is ignored: ${value instanceof Response ? 'Response' : JSON.stringify(value)}`, async (t) => {
    await t.notThrowsAsync(modern(() => value).run(jobAttempt({ payload: PAYLOAD })));
    await t.notThrowsAsync(lambda(async () => value).run(jobAttempt({ payload: PAYLOAD })));
  });
}

test('a Lambda-compatible function without a result succeeds', async (t) => {
  await t.notThrowsAsync(lambda(() => {}).run(jobAttempt({ payload: PAYLOAD })));
});

test('the body of the discarded Response is cancelled', async (t) => {
  const cancelled = Promise.withResolvers<string>();
  const body = new ReadableStream({ cancel: () => cancelled.resolve('web') });

  await modern(() => new Response(body)).run(jobAttempt({ payload: PAYLOAD }));
  t.is(await cancelled.promise, 'web');

  const source = new Readable({ read() {} });
  await lambda(async () => ({ statusCode: 200, body: source })).run(jobAttempt({ payload: PAYLOAD }));
  t.true(source.destroyed);
});

test('a throw and a rejection fail the attempt with the thrown error', async (t) => {
  const bang = new Error('bang');
  const thrower = modern(() => {
    throw bang;
  });
  const rejecter = lambda(() => Promise.reject(bang));

  for (const rule of [thrower, rejecter]) {
    const fault = await t.throwsAsync(rule.run(jobAttempt({ payload: PAYLOAD })));
    t.is(fault?.cause, bang);
  }
});

test('an attempt lasts until all work given to waitUntil has settled, also work given later', async (t) => {
  const steps: string[] = [];
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const rule = modern((_request, context) => {
    context.waitUntil(
      first.promise.then(() => {
        steps.push('first');
        context.waitUntil(second.promise.then(() => steps.push('second')));
      }),
    );
  });

  const run = rule.run(jobAttempt({ payload: PAYLOAD })).then(() => steps.push('over'));
  first.resolve();
  await first.promise;
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(steps, ['first']);
  second.resolve();
  await run;

  t.deepEqual(steps, ['first', 'second', 'over']);
});

test('work given to waitUntil that fails is logged and does not fail the attempt', async (t) => {
  const lines: LogLine[] = [];
  const rule = modern((_request, { waitUntil }) => waitUntil(Promise.reject(new Error('bang'))), lines);

  await t.notThrowsAsync(rule.run(jobAttempt({ payload: PAYLOAD })));
  t.is(lines[0]?.message, 'work given to waitUntil failed');
  t.is(lines[0]?.fields.job, 'job-1');
});

test("the request's signal is that of the attempt", async (t) => {
  const time = new AbortController();
  const rule = modern(
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        time.abort(new Error('time is up'));
      }),
  );

  const fault = await t.throwsAsync(rule.run(jobAttempt({ payload: PAYLOAD, signal: time.signal })));
  t.is(fault?.cause, time.signal.reason);
});

test('a job whose request is damaged fails with that reason', async (t) => {
  await t.throwsAsync(modern(() => {}).run(jobAttempt({ payload: PAYLOAD.subarray(0, 30) })), {
    message: /the stored request is damaged/,
  });
});
