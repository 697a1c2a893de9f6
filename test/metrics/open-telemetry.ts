import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import test from 'ava';
import { siteFolder } from '../helpers/site-folder.ts';
import { exporter, PARENT, registerSdk, serveTraced as serve, TRACE, TRACEPARENT } from '../helpers/traced-edge.ts';
import { untilResult } from '../helpers/until-result.ts';

registerSdk();

async function spans(count: number) {
  await untilResult(
    async () => exporter.getFinishedSpans().length,
    (length) => length >= count,
  );
  const all = exporter.getFinishedSpans();
  const find = (kind: SpanKind) => all.filter((span) => span.kind === kind);
  const [server] = find(SpanKind.SERVER);
  const [client] = find(SpanKind.CLIENT);
  // The span of a function ends after that of its request.
  const inner = find(SpanKind.INTERNAL);
  return {
    server,
    client,
    mine: inner.find(({ name }) => name === 'mine'),
    run: inner.find(({ name }) => name !== 'mine'),
  };
}

test.serial('spans of context.tracer are below that of the run of their agent', async (t) => {
  const site = await siteFolder(t, {
    'node_modules/@opentelemetry/api.txt': '',
    'agents/chat.js': `export const onRequest = async ({ tracer }) => {
      tracer.setAttributes({ own: 1, deep: { a: 1 }, none: undefined });
      tracer.startSpan('mine', { count: 2 }).end();
      return tracer.span('failing', async () => { tracer.event('step', { n: 1 }); throw new Error('x'); }).catch(() => 'caught');
    };`,
  });
  const api = join(import.meta.dirname, '../../node_modules/@opentelemetry/api');
  await symlink(api, join(site, 'node_modules/@opentelemetry/api'));
  const { url } = await serve(t, { site });

  t.is(await (await fetch(`${url}/chat`, { method: 'POST' })).json(), 'caught');

  const { mine, server } = await spans(4);
  const [failing, run] = ['failing', 'agents/chat.js'].map((name) =>
    exporter.getFinishedSpans().find((span) => span.name === name),
  );
  t.is(run?.parentSpanContext?.spanId, server?.spanContext().spanId);
  t.like(run?.attributes, { own: 1, deep: '{ a: 1 }' });
  for (const span of [mine, failing]) t.is(span?.parentSpanContext?.spanId, run?.spanContext().spanId);
  t.like(mine?.attributes, { count: 2 });
  t.is(failing?.status.code, SpanStatusCode.ERROR);
  t.deepEqual(
    failing?.events.map(({ name }) => name),
    ['step', 'exception'],
  );
});

test.serial('a forwarded request has a server span and a client span, whose id the hop gets', async (t) => {
  const edge = await serve(t);
  const headers = { traceparent: TRACEPARENT, tracestate: 'a=1', baggage: 'k=v' };
  await (await fetch(`${edge.url}/503?q=1`, { headers })).text();

  const { client, server } = await spans(2);

  t.is(server?.kind, SpanKind.SERVER);
  t.is(server?.spanContext().traceId, TRACE);
  t.is(server?.parentSpanContext?.spanId, PARENT);
  t.is(client?.kind, SpanKind.CLIENT);
  t.is(client?.parentSpanContext?.spanId, server?.spanContext().spanId);
  t.is(client?.status.code, SpanStatusCode.ERROR);
  t.like(edge.received[0], {
    traceparent: `00-${TRACE}-${client?.spanContext().spanId}-01`,
    tracestate: 'a=1',
    baggage: 'k=v',
  });
  t.like(server?.attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 503,
    'url.scheme': 'http',
    'network.protocol.version': '1.1',
    'url.path': undefined,
  });
  t.is((await edge.accessLines(1))[0]?.trace_id, TRACE);
});

test.serial(
  'a span that a function makes is below that of the function, and the request has the pattern as its name',
  async (t) => {
    const edge = await serve(t, {
      site: await siteFolder(t, {
        'cloud-functions/users/[id].js': `export async function onRequest({ request }) {
        await 1;
        const { trace } = globalThis[Symbol.for('opentelemetry.js.api.1')];
        trace.getTracer('site').startSpan('mine').end();
        return new Response(request.headers.get('traceparent'));
      }`,
      }),
    });
    const text = await (await fetch(`${edge.url}/users/7`, { headers: { traceparent: TRACEPARENT } })).text();

    const { mine, run, server } = await spans(3);

    t.is(text, TRACEPARENT, 'a function gets the header unchanged');
    t.is(server?.name, 'GET /users/:id');
    t.is(server?.attributes['http.route'], '/users/:id');
    t.is(run?.name, 'cloud-functions/users/[id].js');
    t.is(run?.parentSpanContext?.spanId, server?.spanContext().spanId);
    t.is(mine?.name, 'mine');
    t.is(mine?.parentSpanContext?.spanId, run?.spanContext().spanId);
  },
);

test.serial('a function that throws has a span with an error, without its message', async (t) => {
  const edge = await serve(t, {
    site: await siteFolder(t, {
      'cloud-functions/f.js': 'export const onRequest = async () => { throw new RangeError("s3cret") }',
    }),
  });
  await (await fetch(`${edge.url}/f`)).text();

  const { run, server } = await spans(2);

  t.deepEqual(run?.status, { code: SpanStatusCode.ERROR, message: 'RangeError' });
  t.is(server?.attributes['error.type'], 'function_error');
  t.notRegex(JSON.stringify([run?.status, run?.attributes, run?.events, server?.attributes]), /s3cret/);
});

test.serial('the trace of a peer that is not trusted is linked, and not continued', async (t) => {
  const edge = await serve(t, { env: { TRUSTED_PROXIES: 'none' } });
  await (await fetch(`${edge.url}/x`, { headers: { traceparent: TRACEPARENT, tracestate: 'a=1' } })).text();

  const { client, server } = await spans(2);

  t.not(server?.spanContext().traceId, TRACE);
  t.is(server?.parentSpanContext, undefined);
  t.is(server?.links[0]?.context.traceId, TRACE);
  t.is(edge.received[0]?.tracestate, undefined);
  t.is(client?.spanContext().traceId, server?.spanContext().traceId);
});

test.serial('with TRACE_TRUST=all it is continued, and TRACE_PATHS=1 adds the path without its query', async (t) => {
  const edge = await serve(t, { env: { TRUSTED_PROXIES: 'none', TRACE_TRUST: 'all', TRACE_PATHS: '1' } });
  await (await fetch(`${edge.url}/x?q=1`, { headers: { traceparent: TRACEPARENT } })).text();

  const { server } = await spans(2);

  t.is(server?.spanContext().traceId, TRACE);
  t.is(server?.attributes['url.path'], '/x');
});

test.serial(
  'OpenMetrics has the id of a sampled trace beside the duration of its request, and the other format has none',
  async (t) => {
    const PATH = '/metrics';
    const edge = await serve(t, { env: { METRICS_PATH: PATH } });
    const flags = { sampled: '01', unsampled: '00' };
    for (const flag of Object.values(flags)) {
      const headers = { traceparent: `00-${TRACE.slice(0, -2)}${flag}-${PARENT}-${flag}` };
      await (await fetch(`${edge.url}/x`, { headers })).text();
    }
    const scrape = async (accept: string) => (await fetch(`${edge.url}${PATH}`, { headers: { accept } })).text();

    const text = await scrape('application/openmetrics-text; version=1.0.0');

    const exemplars = text.split('\n').filter((line) => line.includes(' # '));
    t.is(exemplars.filter((line) => line.includes('http_route="hop"')).length, 1);
    t.regex(
      exemplars[0] ?? '',
      /^http_server_request_duration_seconds_bucket\{.*le="[\d.]+"\} \d+ # \{trace_id="0af7651916cd43dd8448eb211c803101"\} [\d.]+ \d+\.\d{3}$/,
    );
    t.false((await scrape('text/plain')).includes('trace_id'));
  },
);
