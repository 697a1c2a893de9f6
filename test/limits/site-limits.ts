import { createServer } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import type { Reading } from '../../src/contract/dialect.ts';
import type { RateRule } from '../../src/contract/rate-limit.ts';
import type { Route } from '../../src/contract/route.ts';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { fixedDialect } from '../helpers/fixed-dialect.ts';
import { listen } from '../helpers/listen.ts';
import { route } from '../helpers/route.ts';
import { writeText } from '../helpers/write-text.ts';

/** A route that answers with its pattern and the target. */
function answering(pattern: string, parts: Partial<Route> = {}): Route {
  return route(pattern, {
    target: {
      name: pattern,
      answer(exchange) {
        const original = exchange.request.get('x-netlify-original-pathname') ?? '';
        writeText(exchange, 200, `${pattern} ${exchange.target} ${original}`);
        return 'answered';
      },
    },
    ...parts,
  });
}

function limit(parts: Partial<RateRule> = {}, count = 1): Pick<Route, 'limit'> {
  return { limit: { rule: { id: 'rule', name: 'rule', limit: count, windowMs: 60_000, by: ['ip'], ...parts } } };
}

async function serve(
  t: ExecutionContext,
  reading: Partial<Reading>,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningEdge> {
  const hop = createServer(({ url }, response) => {
    response.statusCode = url?.startsWith('/missing') ? 404 : 200;
    response.end(`hop ${url}`);
  });
  return startEdge(t, { dialects: [fixedDialect(reading)], env: { NEXT_HOP: await listen(t, hop), ...env } });
}

/** Status and text of each request, sent one after the other. */
async function ask(edge: RunningEdge, targets: readonly string[], lines: readonly string[] = []): Promise<string[]> {
  const answers: string[] = [];
  for (const each of targets) {
    const [method, target] = each.includes(' ') ? each.split(' ') : ['GET', each];
    const head = [`${method} ${target} HTTP/1.1`, 'Host: a.example', 'Connection: close', ...lines];
    const answer = await edge.exchange(`${head.join('\r\n')}\r\n\r\n`);
    const [, status = ''] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? [];
    answers.push(
      status === '200'
        ? answer
            .slice(answer.indexOf('\r\n\r\n') + 4)
            .replaceAll(/^\w+\r\n|\r\n\w*\r\n.*$/gs, '')
            .trim()
        : status,
    );
  }
  return answers;
}

test('RATE_LIMIT counts functions and forwarded requests together, and not the readiness check', async (t) => {
  const edge = await serve(t, { routes: [answering('/a')] }, { RATE_LIMIT: '3/60s' });

  const answers = await ask(edge, [
    '/.well-known/nexthop/ready',
    '/a',
    '/b',
    '/c',
    '/a',
    '/b',
    '/.well-known/nexthop/ready',
  ]);

  t.deepEqual(answers, ['ready', '/a /a', 'hop /b', 'hop /c', '429', '429', 'ready']);
});

test('a refused request gets 429 with Retry-After, is not stored, and has its code in access.log', async (t) => {
  const edge = await serve(t, {}, { RATE_LIMIT: '1/60s' });
  await ask(edge, ['/']);

  const answer = await edge.exchange(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: application/json\r\n\r\n',
  );

  t.regex(answer, /^HTTP\/1\.1 429 Too Many Requests\r\n/);
  t.regex(answer, /\r\nCache-Control: no-store\r\n/);
  const [, seconds] = /\r\nRetry-After: (\d+)\r\n/.exec(answer) ?? [];
  t.true(Number(seconds) > 60 && Number(seconds) <= 120, seconds);
  t.regex(answer, /\{"status":429,"code":"rate_limited"/);
  t.false(/RateLimit/i.test(answer));
  const [, line] = await edge.accessLines(2);
  t.is(line?.fault, 'rate_limited');
  t.deepEqual(await edge.errorLines(), []);
});

test('the limit of a route counts its own requests, of all routes with its rule, besides RATE_LIMIT', async (t) => {
  const routes = [answering('/a', limit()), answering('/b', limit()), answering('/c')];
  const edge = await serve(t, { routes }, { RATE_LIMIT: '4/60s' });

  t.deepEqual(await ask(edge, ['/a', '/b', '/c', '/c', '/c']), ['/a /a', '429', '/c /c', '/c /c', '429']);
});

test('a client is its address as nexthop knows it: an untrusted peer cannot change it by headers', async (t) => {
  const reading = { routes: [answering('/a', limit())] };
  const untrusting = await serve(t, reading, { TRUSTED_PROXIES: 'none' });
  const trusting = await serve(t, reading);
  const forwarded = (address: string) => [`X-Forwarded-For: ${address}`];

  t.deepEqual(await ask(untrusting, ['/a'], forwarded('198.51.100.1')), ['/a /a']);
  t.deepEqual(await ask(untrusting, ['/a'], forwarded('198.51.100.2')), ['429']);
  t.deepEqual(await ask(trusting, ['/a'], forwarded('2001:db8::1')), ['/a /a']);
  t.deepEqual(await ask(trusting, ['/a'], forwarded('2001:db8::2')), ['429']);
  t.deepEqual(await ask(trusting, ['/a'], forwarded('::ffff:198.51.100.1')), ['/a /a']);
  t.deepEqual(await ask(trusting, ['/a'], forwarded('198.51.100.1')), ['429']);
});

test('a rule may count by host, in any case and with any port', async (t) => {
  const edge = await serve(t, { routes: [answering('/a', limit({ by: ['domain'] }))] });
  const get = async (host: string): Promise<string> =>
    (await edge.exchange(`GET /a HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).slice(9, 12);

  t.deepEqual([await get('a.example'), await get('A.example:81'), await get('b.example')], ['200', '429', '200']);
});

test('a refused request runs no filter, and one that a filter rewrites to a limited route is not counted', async (t) => {
  let calls = 0;
  const filter = route('/*all', {
    step: 1,
    target: {
      name: 'filter',
      answer(exchange) {
        calls++;
        if (exchange.target === '/x') exchange.rewrite('/a');
        return 'passed';
      },
    },
  });
  const edge = await serve(t, { routes: [filter, answering('/a', limit())] });

  t.deepEqual(await ask(edge, ['/x', '/x', '/a', '/a']), ['/a /a', '/a /a', '/a /a', '429']);
  t.is(calls, 3);
});

test('a limit counts only when its route is asked: not for a file in front of it, nor when the hop answers', async (t) => {
  const file = answering('/a', { step: 3, methods: ['GET'] });
  const behind = answering('/a', limit());
  const later = answering('/missing/*rest', { ...limit({ id: 'later' }), afterFallback: true });
  const edge = await serve(t, {
    routes: [file, behind, later, answering('/page', { afterFallback: true, ...limit({ id: 'p' }) })],
  });

  t.deepEqual(await ask(edge, ['/a', '/a', 'POST /a', 'POST /a', '/a']), ['/a /a', '/a /a', '/a /a', '429', '/a /a']);
  t.deepEqual(await ask(edge, ['/page', '/page']), ['hop /page', 'hop /page']);
  t.deepEqual(await ask(edge, ['/missing/1', '/missing/2']), ['/missing/*rest /missing/1', '429']);
});

test('a route whose limit does not match the request passes without a count', async (t) => {
  const matches = ({ request }: { readonly request: { readonly host: string | undefined } }) =>
    request.host === 'b.example';
  const passing = route('/a', { step: 2, limit: { ...limit().limit, matches } as Route['limit'] & object });
  const edge = await serve(t, { routes: [passing, answering('/a', limit({ id: 'second' }, 2))] });

  t.deepEqual(await ask(edge, ['/a', '/a', '/a']), ['/a /a', '/a /a', '429']);
});

for (const [to, answer] of [
  ['/b', '/b /b?q /a'],
  ['/b?own', '/b /b?own /a'],
  ['/hop', 'hop /hop?q'],
  ['/limited', '/limited /limited?q /a'],
] as const) {
  test(`with action "rewrite" to ${to} the requests above the limit get ${answer}`, async (t) => {
    const routes = [
      answering('/a', limit({ rewriteTo: to })),
      answering('/b'),
      answering('/limited', limit({ id: 'other' })),
    ];
    const edge = await serve(t, { routes });
    await ask(edge, ['/limited']);

    t.deepEqual(await ask(edge, ['/a?q', '/a?q', '/a?q', '/limited']), ['/a /a?q', answer, answer, '429']);
  });
}

test('a rewrite above a limit goes through the filters, also if it is found after them', async (t) => {
  const guard = route('/*all', {
    step: 1,
    target: {
      name: 'guard',
      answer(exchange) {
        if (exchange.target !== '/secret') return 'passed';
        writeText(exchange, 200, 'guarded');
        return 'answered';
      },
    },
  });
  const early = answering('/early', limit({ rewriteTo: '/secret' }));
  const late = answering('/missing', { ...limit({ id: 'late', rewriteTo: '/secret' }), afterFallback: true });
  const edge = await serve(t, { routes: [guard, early, late, answering('/secret')] });

  t.deepEqual(await ask(edge, ['/early', '/early']), ['/early /early', 'guarded']);
  t.deepEqual(await ask(edge, ['/missing', '/missing']), ['/missing /missing', 'guarded']);
});

test('with action "rewrite" to its own path the requests above the limit get 429', async (t) => {
  const edge = await serve(t, { routes: [answering('/a', limit({ rewriteTo: '/a?x' }))] });

  t.deepEqual(await ask(edge, ['/a', '/a']), ['/a /a', '429']);
});

test('the limits of filters are found before any of them runs', async (t) => {
  const filter = answering('/f', { step: 1 });
  const { limit: found } = limit();
  const findLimits = ({ target }: { readonly target: string }) =>
    target === '/f' && found ? [{ rule: found.rule, pattern: '/f' }] : [];
  const edge = await serve(t, { routes: [filter], findLimits });

  t.deepEqual(await ask(edge, ['/f', '/f']), ['/f /f', '429']);
});

test('with RATE_LIMIT_FIELDS responses of limited routes say what is left, and others do not', async (t) => {
  const routes = [answering('/a', limit({ name: 'api' }, 2))];
  const edge = await serve(t, { routes }, { RATE_LIMIT_FIELDS: '1' });
  const get = (target: string) => edge.exchange(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);

  const answers = [await get('/a'), await get('/a'), await get('/a'), await get('/b')];

  const left = answers.map((answer) => /\r\nRateLimit: "api";r=(\d);t=\d+\r\n/.exec(answer)?.[1]);
  t.deepEqual(left, ['1', '0', '0', undefined]);
  t.is(answers.filter((answer) => answer.includes('\r\nRateLimit-Policy: "api";q=2;w=60\r\n')).length, 3);
});
