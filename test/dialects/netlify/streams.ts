import test from 'ava';
import type { Fault } from '../../../src/contract/fault.ts';
import { AllCallLimits } from '../../../src/dialects/netlify/call/call-limits.ts';
import { withExchange } from '../../helpers/exchange.ts';
import { serveFunction } from '../../helpers/function-server.ts';
import { NO_LIMITS, project } from '../../helpers/project.ts';
import { until } from '../../helpers/until.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** A function whose response is a stream that the test controls. It records its events in the global variable `name`. */
function controlled(name: string): string {
  return `export default (request) => {
    const record = (globalThis.${name} = { events: [] });
    request.signal.addEventListener('abort', () => record.events.push('aborted'));
    return new Response(new ReadableStream({
      start(controller) { record.controller = controller; },
      cancel() { record.events.push('cancelled'); },
    }));
  };`;
}

interface Controlled {
  readonly events: readonly string[];
  readonly controller: ReadableStreamDefaultController;
}

async function controllerOf(name: string): Promise<Controlled> {
  const scope = globalThis as unknown as Record<string, Controlled | undefined>;
  await until(() => scope[name] !== undefined, 'the call');
  return scope[name] as Controlled; // the function has set it
}

test('a stream is sent chunk by chunk, strings among the chunks', async (t) => {
  const server = await serveFunction(t, controlled('pieces'));
  const peer = await server.connect();

  peer.write(GET);
  const { controller } = await controllerOf('pieces');
  t.regex(await peer.readHead(), /\r\nTransfer-Encoding: chunked\r\n/);
  controller.enqueue('é');
  t.is(await peer.readUntil('\xa9\r\n'), '2\r\n\xc3\xa9\r\n');
  controller.enqueue(Uint8Array.of(97));
  t.is(await peer.readUntil('a\r\n'), '1\r\na\r\n');
  controller.close();
  t.is(await peer.readToEnd(), '0\r\n\r\n');
});

test('a stream that fails cuts the connection, and the fault has the function as its origin', async (t) => {
  const server = await serveFunction(t, controlled('failing'));
  const peer = await server.connect();

  peer.write(GET);
  const { controller } = await controllerOf('failing');
  controller.enqueue('a');
  await peer.readUntil('1\r\na\r\n');
  controller.error(new Error('mine'));

  t.is(await peer.readToEnd(), '');
  t.is(server.faults[0]?.code, 'function_error');
  t.is(String(server.faults[0]?.cause), 'Error: mine');
});

test('a client that disconnects cancels the stream and aborts the signal', async (t) => {
  const server = await serveFunction(t, controlled('left'));
  const peer = await server.connect();

  peer.write(GET);
  const record = await controllerOf('left');
  await peer.readHead();
  peer.reset();

  await until(() => record.events.length === 2, 'both events');
  t.deepEqual([...record.events].sort(), ['aborted', 'cancelled']);
  t.deepEqual(server.faults, []);
});

test('the response to HEAD has no body, and its stream is cancelled', async (t) => {
  const server = await serveFunction(t, controlled('head'));

  const answer = await server.exchange(GET.replace('GET', 'HEAD'));

  t.regex(answer, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
  t.deepEqual((await controllerOf('head')).events, ['cancelled']);
});

test('a stream over its time limit is cut without a last chunk, cancelled, aborted and logged once', async (t) => {
  const server = await serveFunction(t, controlled('slow'), {
    project: { functionLimits: { ...NO_LIMITS, streamMs: 100 } },
  });
  const peer = await server.connect();

  peer.write(GET);
  const { controller, events } = await controllerOf('slow');
  controller.enqueue('a');

  t.regex(await peer.readToEnd(), /\r\n\r\n1\r\na\r\n$/);
  t.deepEqual([...events].sort(), ['aborted', 'cancelled']);
  t.is(server.faults.length, 1);
  t.like(server.faults[0], { code: 'function_timeout', origin: 'function' });
  t.regex(server.faults[0]?.message ?? '', /not complete within 100 ms .*FUNCTION_STREAM_TIMEOUT/);
});

for (const [what, own, ms] of [
  ['counts from the call of its function', undefined, 50_000],
  ['is at least the timeout in the configuration of the function', 55_000, 55_000],
] as const) {
  test(`the time limit of a stream ${what}`, async (t) => {
    const limits = new AllCallLimits({ ...NO_LIMITS, streamMs: 50_000 }, (await project(t, {})).log);
    const { exchange } = await withExchange(t, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const watch = limits.of(own).stream.watch(exchange, performance.now() - 60_000);
    let fault: Fault | undefined;

    watch.begin({
      stop(given) {
        fault = given;
      },
    });

    await until(() => fault !== undefined, 'the end of the stream');
    t.regex(fault?.message ?? '', new RegExp(`within ${ms} ms`));
  });
}

test('functions with the same timeout share their limits', async (t) => {
  const limits = new AllCallLimits(NO_LIMITS, (await project(t, {})).log);

  t.is(limits.of(), limits.of());
  t.is(limits.of(5), limits.of(5));
  t.not(limits.of(5), limits.of());
});

test('a stream over its size limit is cut without a last chunk', async (t) => {
  const server = await serveFunction(t, controlled('large'), {
    project: { functionLimits: { ...NO_LIMITS, streamBytes: 10 } },
  });
  const peer = await server.connect();

  peer.write(GET);
  const { controller, events } = await controllerOf('large');
  controller.enqueue('0123456789');
  await peer.readUntil('a\r\n0123456789\r\n');
  controller.enqueue('!');

  t.is(await peer.readToEnd(), '');
  t.deepEqual([...events].sort(), ['aborted', 'cancelled']);
  t.like(server.faults[0], { code: 'function_bad_answer', origin: 'function' });
  t.regex(server.faults[0]?.message ?? '', /larger than 10 bytes .*FUNCTION_STREAM_LIMIT/);
});

for (const body of [`'x'.repeat(50)`, `new Uint8Array(50).fill(120)`]) {
  test(`new Response(${body}) is not a stream and has no stream limits`, async (t) => {
    const server = await serveFunction(t, `export default () => new Response(${body});`, {
      project: { functionLimits: { ...NO_LIMITS, streamBytes: 10, streamMs: 20 } },
    });

    const answer = await server.exchange(GET);

    t.true(answer.endsWith(`\r\n\r\n${'x'.repeat(50)}`), answer);
  });
}
