import test from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { RequestMetrics } from '../../src/metrics/request-metrics.ts';
import { Random } from '../helpers/differential/random.ts';

interface Facts {
  readonly method?: string;
  readonly status?: number;
  readonly route?: string;
  readonly step?: number;
  readonly isFile?: boolean;
  readonly host?: string;
  readonly tookMs?: number;
  readonly traceId?: string;
  readonly isSampled?: boolean;
}

/** What RequestMetrics reads of an exchange. */
function exchange({ method = 'GET', status = 200, host = 'a', ...others }: Facts): Exchange {
  const facts = {
    request: { method, host, body: { receivedBytes: 0 } },
    response: { isHeadWritten: true, status },
    writtenBytes: 0,
    ...{ startedAtMs: 1000, headAtMs: 1001, tookMs: 2, route: '', step: 0, isFile: false },
    ...others,
  };
  return facts as unknown as Exchange; // nothing else of it is read
}

function labelsOf(metrics: RequestMetrics): string[] {
  const [duration] = metrics.families();
  return duration?.series.map(({ labels }) => labels) ?? [];
}

for (const [facts, route, answeredBy] of [
  [{}, 'hop', 'hop'],
  [{ isFile: true, step: 3, route: '/a.css' }, 'files', 'file'],
  [{ step: 4, route: '/a/:id' }, '/a/:id', 'function'],
  [{ step: 2, route: '/a' }, '/a', 'function'],
  [{ step: 5, route: '/page' }, '/page', 'page'],
  [{ step: 1, route: '/*', status: 301 }, '/*', 'redirect'],
  [{ step: 1, route: '/*', status: 401 }, '/*', 'gate'],
  [{ step: 6, route: '/old', status: 302 }, '/old', 'redirect'],
] as const) {
  test(`${JSON.stringify(facts)} has the labels ${route} and ${answeredBy}`, (t) => {
    const metrics = new RequestMetrics();
    metrics.end(exchange(facts));

    t.regex(
      labelsOf(metrics)[0] ?? '',
      new RegExp(`http_route="${route.replace('*', '\\*')}".*answered_by="${answeredBy}"`),
    );
  });
}

test('methods that RFC 9110 does not have are one', (t) => {
  const metrics = new RequestMetrics();
  for (const method of ['PATCH', 'PURGE', 'get', 'X'.repeat(1000)]) metrics.end(exchange({ method }));

  t.deepEqual(
    labelsOf(metrics)
      .map((labels) => /method="(\w+)"/.exec(labels)?.[1])
      .sort(),
    ['PATCH', '_OTHER'],
  );
});

test('quotes, backslashes and line ends in a pattern cannot leave their label', (t) => {
  const metrics = new RequestMetrics();
  metrics.end(exchange({ step: 4, route: '/a"\\\n' }));

  t.true(labelsOf(metrics)[0]?.startsWith('http_route="/a\\"\\\\\\n",'));
});

test('the number of series is bounded for any patterns, methods and statuses', (t) => {
  const metrics = new RequestMetrics();
  const chance = new Random(7);
  for (let count = 0; count < 100_000; count++) {
    const method = chance.oneIn(2) ? 'GET' : `M${chance.below(1000)}`;
    metrics.end(exchange({ method, status: 200 + chance.below(10), step: 4, route: `/r${chance.below(5000)}` }));
  }

  const labels = labelsOf(metrics);
  t.true(labels.length <= 501 * 2 * 10, String(labels.length));
  t.is(new Set(labels.map((each) => /http_route="([^"]*)"/.exec(each)?.[1])).size, 501);
  t.true(labels.some((each) => each.includes('http_route="other"')));
});

test('the number of hostnames is bounded, and each has the characters of a name', (t) => {
  const metrics = new RequestMetrics({ hasHosts: true });
  const chance = new Random(8);
  const odd = ['a_b', '"', 'a b', 'é.example', `${'x'.repeat(81)}`, '[::1]:80', '', 'a\nb'];
  for (let count = 0; count < 100_000; count++) {
    const host = chance.oneIn(10) ? (odd[chance.below(odd.length)] ?? '') : `Host${chance.below(5000)}.example:80`;
    metrics.end(exchange({ host }));
  }

  const family = metrics.families().find(({ name }) => name === 'section_http_request_count_by_hostname_total');
  const labels = family?.series.map((series) => series.labels) ?? [];
  t.is(labels.length, 1001);
  t.true(labels.includes('hostname=""'));
  t.true(labels.includes('hostname="max-hostnames-reached"'));
  t.true(labels.every((each) => /^hostname="[a-z0-9.-]{0,80}"$/.test(each)));
  t.is(
    family?.series.reduce((sum, { values: [count = 0] }) => sum + count, 0),
    100_000,
  );
});

test('a histogram keeps the trace of the last sampled request of each bucket', (t) => {
  const metrics = new RequestMetrics();
  for (const [tookMs, traceId] of [
    [1, 'a'],
    [2, 'b'],
    [3, ''],
    [20, 'c'],
  ] as const)
    metrics.end(exchange({ tookMs, traceId, isSampled: traceId !== '' }));

  const traces = metrics.families()[0]?.series[0]?.exemplars?.map((each) => [each.bucket, each.traceId, each.value]);
  t.deepEqual(traces, [
    [0, 'b', 0.002],
    [2, 'c', 0.02],
  ]);
});
