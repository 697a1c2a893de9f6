import { createServer, type IncomingHttpHeaders } from 'node:http';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import test, { type ExecutionContext } from 'ava';
import { type EdgeSetup, type RunningEdge, startEdge } from '../helpers/edge.ts';
import { listenOnPort } from '../helpers/listen.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

const exporter = new InMemorySpanExporter();
// As a file that is given with --import does.
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

interface Traced extends RunningEdge {
  readonly received: IncomingHttpHeaders[];
}

async function serve(t: ExecutionContext, setup: EdgeSetup = {}): Promise<Traced> {
  exporter.reset();
  const received: IncomingHttpHeaders[] = [];
  const origin = createServer((request, response) => {
    received.push(request.headers);
    response.writeHead(request.url?.startsWith('/503') ? 503 : 200).end('hop');
  });
  const env = { NEXT_HOP: `http://127.0.0.1:${await listenOnPort(t, origin)}`, ...setup.env };
  return { ...(await startEdge(t, { ...setup, env })), received };
}

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
