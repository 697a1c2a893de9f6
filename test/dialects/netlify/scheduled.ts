import test, { type ExecutionContext } from 'ava';
import { type ScheduledRuleParts, toScheduledRule } from '../../../src/dialects/netlify/background/schedule-rule.ts';
import { ScheduledTarget } from '../../../src/dialects/netlify/background/scheduled-target.ts';
import type { LambdaEvent } from '../../../src/dialects/netlify/call/lambda-event.ts';
import { toLambdaRun } from '../../../src/dialects/netlify/call/lambda-run.ts';
import { toModernRun } from '../../../src/dialects/netlify/call/modern-run.ts';
import { type ExchangeServer, serveExchanges } from '../../helpers/exchange-server.ts';
import { declaration, jobAttempt } from '../../helpers/job-attempt.ts';
import { netlifyPlatform } from '../../helpers/lambda-server.ts';

const NEXT_RUN_AT_MS = Date.UTC(2026, 11, 1, 6);

function parts(exports: Record<string, unknown>, env = {}, timeoutMs = 30_000): ScheduledRuleParts {
  const platform = netlifyPlatform([], { env });
  const run = toLambdaRun(exports, { name: 'tick', file: 'tick.js', platform }) ?? toModernRun(exports, platform);
  return { declaration: declaration('tick'), schedule: '0 6 * * *', run, timeoutMs, platform };
}

/** Each header of the scheduler's request, and its body. */
async function describe(request: Request): Promise<unknown> {
  const names = ['content-type', 'user-agent', 'x-nf-event', 'x-nexthop-job-id', 'x-nexthop-job-attempt'];
  return [request.method, request.url, ...names.map((name) => request.headers.get(name)), await request.json()];
}

const CLOCK = ['application/json', 'Netlify Clockwork', 'schedule', 'job-1', '1'];
const BODY = { next_run: '2026-12-01T06:00:00.000Z' };

test('a scheduled function runs by its schedule, for at most 30 s, and is not retried', (t) => {
  const rule = toScheduledRule(parts({ default() {} }));

  t.is(rule.name, 'netlify/tick');
  t.is(rule.schedule, '0 6 * * *');
  t.is(rule.timeoutMs, 30_000);
  t.deepEqual(rule.retryAfterMs, []);
});

test("a modern function gets the scheduler's request for its default URL on the site's own host", async (t) => {
  const seen: unknown[] = [];
  const exports = { default: async (request: Request) => void seen.push(await describe(request)) };
  const attempt = jobAttempt({ nextRunAtMs: NEXT_RUN_AT_MS });

  await toScheduledRule(parts(exports, { URL: 'https://shop.example/ignored' })).run(attempt);
  await toScheduledRule(parts(exports, { URL: 'no url' })).run(attempt);

  t.deepEqual(seen, [
    ['POST', 'https://shop.example/.netlify/functions/tick', ...CLOCK, BODY],
    ['POST', 'http://localhost/.netlify/functions/tick', ...CLOCK, BODY],
  ]);
});

test("a Lambda-compatible function gets the scheduler's request as event", async (t) => {
  const seen: unknown[] = [];
  const handler = async ({ httpMethod, headers, body, path }: LambdaEvent) => {
    seen.push(httpMethod, headers['x-nf-event'], headers['user-agent'], headers.host, JSON.parse(body ?? ''), path);
    return { statusCode: 200 };
  };

  await toScheduledRule(parts({ handler })).run(jobAttempt({ nextRunAtMs: NEXT_RUN_AT_MS }));

  t.deepEqual(seen, ['POST', 'schedule', 'Netlify Clockwork', 'localhost', BODY, '/.netlify/functions/tick']);
});

test('the response of a scheduled function is ignored, and an error that it throws fails the run', async (t) => {
  const attempt = jobAttempt({ nextRunAtMs: NEXT_RUN_AT_MS });
  const angry = () => Promise.reject(new Error('bang'));

  await t.notThrowsAsync(toScheduledRule(parts({ default: () => new Response('', { status: 500 }) })).run(attempt));
  await t.notThrowsAsync(toScheduledRule(parts({ default: () => 'text' })).run(attempt));
  await t.throwsAsync(toScheduledRule(parts({ default: angry })).run(attempt));
});

/** Under its URL, as in development. */
async function serve(
  t: ExecutionContext,
  exports: Record<string, unknown>,
  timeoutMs?: number,
): Promise<ExchangeServer> {
  const target = new ScheduledTarget({ ...parts(exports, {}, timeoutMs), nextRunAtMs: () => NEXT_RUN_AT_MS });
  return serveExchanges(t, async (exchange) => {
    await target.answer(exchange);
  });
}

const GET = { path: '/.netlify/functions/tick' };

test("in development the URL of a scheduled function runs it with the scheduler's request and shows its response", async (t) => {
  const seen: unknown[] = [];
  const server = await serve(t, {
    default: async (request: Request) => {
      seen.push(request.method, await request.json());
      return new Response('all done', { status: 503 });
    },
  });

  const answer = await fetch(`http://127.0.0.1:${server.port}${GET.path}`);
  const text = await answer.text();
  t.is(answer.status, 200);
  t.regex(answer.headers.get('content-type') ?? '', /^text\/plain/);
  t.regex(text, /tick is a scheduled function \(0 6 \* \* \*\)/);
  t.regex(text, /status 503\.\n\nall done/);
  t.deepEqual(seen, ['POST', BODY]);
});

test('in development a failure gets 500 with the thrown error, as HTML if the client accepts HTML', async (t) => {
  const server = await serve(t, { default: () => Promise.reject(new Error('<bang>')) });

  const answer = await fetch(`http://127.0.0.1:${server.port}/`, { headers: { accept: 'text/html' } });
  t.is(answer.status, 500);
  t.regex(answer.headers.get('content-type') ?? '', /^text\/html/);
  t.regex(await answer.text(), /Error: &#60;bang&#62;/);
});

test('in development a Lambda-compatible function without a response counts as run', async (t) => {
  const server = await serve(t, { handler: async () => undefined });

  const answer = await fetch(`http://127.0.0.1:${server.port}/`);
  t.is(answer.status, 200);
  t.regex(await answer.text(), /no response/);
});

test('in development only the start of an endless response is shown', async (t) => {
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('x'.repeat(999))),
  });
  const server = await serve(t, { default: () => new Response(body) });

  const text = await (await fetch(`http://127.0.0.1:${server.port}/`)).text();
  t.true(text.length > 9000 && text.length < 12_000, String(text.length));
});

test('in development a function that takes too long gets 500 with the reason', async (t) => {
  const server = await serve(t, { default: () => new Promise(() => {}) }, 100);

  const answer = await fetch(`http://127.0.0.1:${server.port}/`);
  t.is(answer.status, 500);
  t.regex(await answer.text(), /did not answer within 100 ms/);
});
