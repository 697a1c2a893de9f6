import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import test from 'ava';
import { siteFolder } from '../helpers/site-folder.ts';
import { exporter, named, registerSdk, serveTraced as serve, TRACE, TRACEPARENT } from '../helpers/traced-edge.ts';
import { untilResult } from '../helpers/until-result.ts';

registerSdk();

test.serial(
  'a request that is sent to the hop twice has two client spans, and the hop gets the id of the second',
  async (t) => {
    const edge = await serve(t);
    await (await fetch(`${edge.url}/first`)).text();
    exporter.reset();
    const response = await fetch(`${edge.url}/dies`, { headers: { dies: '1', traceparent: TRACEPARENT } });

    t.is(response.status, 200);
    await named('GET', 3);
    const [one, two] = exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT);
    t.like(one?.attributes, { 'error.type': 'hop_reset', 'http.request.resend_count': undefined });
    t.like(two?.attributes, { 'http.response.status_code': 200, 'http.request.resend_count': 1 });
    t.is(one?.parentSpanContext?.spanId, two?.parentSpanContext?.spanId);
    t.deepEqual(
      edge.received.slice(1).map(({ traceparent }) => traceparent),
      [one, two].map((span) => `00-${TRACE}-${span?.spanContext().spanId}-01`),
    );
  },
);

test.serial(
  'the cache has a span with its result, and its function is called below it only if it is called',
  async (t) => {
    const file = 'cloud-functions/kept.js';
    const edge = await serve(t, {
      site: await siteFolder(t, {
        [file]:
          "export const onRequest = () => new Response('kept', { headers: { 'CDN-Cache-Control': 'max-age=60' } })",
      }),
    });
    for (let count = 0; count < 3; count++) await (await fetch(`${edge.url}/kept`)).text();

    const servers = await named('GET /kept', 3);
    const caches = await named('cache', 2);
    const runs = await named(file, 2);
    t.is(runs.length, 2);
    t.is(caches.at(-1)?.attributes['nexthop.cache.result'], 'hit');
    for (const [at, cache] of caches.entries())
      t.is(cache.parentSpanContext?.spanId, servers[at + 1]?.spanContext().spanId);
    t.is(runs[0]?.parentSpanContext?.spanId, servers[0]?.spanContext().spanId, 'nothing was in the cache');
    t.is(runs[1]?.parentSpanContext?.spanId, caches[0]?.spanContext().spanId);
  },
);

test.serial('with CACHE=all the request to the hop is below the span of the cache', async (t) => {
  const edge = await serve(t, { env: { CACHE: 'all' } });
  for (let count = 0; count < 2; count++) await (await fetch(`${edge.url}/kept`)).text();

  const [first, second] = await named('cache', 2);
  const clients = exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT);
  t.is(clients.length, 1);
  t.is(clients[0]?.parentSpanContext?.spanId, first?.spanContext().spanId);
  t.is(second?.attributes['nexthop.cache.result'], 'hit');
});

test.serial(
  'a background job is a new trace that is linked to its request, whose call of the store has a span',
  async (t) => {
    const file = 'netlify/functions/work-background.mjs';
    const edge = await serve(t, {
      site: await siteFolder(t, {
        [file]: 'export default async (request) => { globalThis.jobText = await request.text(); };',
      }),
    });
    await untilResult(
      () =>
        fetch(`${edge.url}/.netlify/functions/work-background`, {
          method: 'POST',
          body: 'body',
          headers: { traceparent: TRACEPARENT },
        }),
      ({ status }) => status === 202,
    );

    const found = await untilResult(
      async () => exporter.getFinishedSpans(),
      (spans) => spans.some(({ kind, status }) => kind === SpanKind.CONSUMER && status.code === SpanStatusCode.UNSET),
    );
    const job = found.find(({ kind }) => kind === SpanKind.CONSUMER);
    const runs = found.filter((span) => span.name === file && span.kind === SpanKind.INTERNAL);
    const push = found.find(({ name }) => name === 'sqlite push');
    t.is((globalThis as { jobText?: string }).jobText, 'body');
    t.not(job?.spanContext().traceId, TRACE);
    t.is(job?.parentSpanContext, undefined);
    t.is(job?.links[0]?.context.traceId, TRACE);
    t.true(runs.some((run) => run.spanContext().spanId === job?.links[0]?.context.spanId));
    t.is(push?.spanContext().traceId, TRACE);
    t.like(push?.attributes, { 'db.system.name': 'sqlite', 'db.operation.name': 'push' });
  },
);

test.serial('the request of a schedule is below the span of its job', async (t) => {
  const edge = await serve(t, {
    site: await siteFolder(t, {
      'edgeone.json': '{ "schedules": [{ "name": "tick", "cron": "0 0 1 1 *", "path": "/tick" }] }',
      'cloud-functions/tick.js': 'export const onRequest = () => new Response("tick")',
    }),
  });
  const [rule] = edge.edge.site.jobRules;
  await untilResult(
    () => edge.edge.running.runNow(rule?.name ?? '').catch(() => ''),
    (id) => id !== '',
  );

  const request = await untilResult(
    async () =>
      exporter.getFinishedSpans().find(({ name, kind }) => kind === SpanKind.SERVER && name.endsWith('/tick')),
    (span) => span !== undefined,
  );
  const job = (
    await untilResult(
      async () => exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CONSUMER),
      ({ length }) => length > 0,
    )
  )[0];
  t.is(request?.parentSpanContext?.spanId, job?.spanContext().spanId);
  t.is(job?.attributes['nexthop.rule'], rule?.name);
});
