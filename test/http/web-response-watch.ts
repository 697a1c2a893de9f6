import { connect } from 'node:net';
import test from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import { writeWebResponse } from '../../src/http/web-response.ts';
import type { StreamWatch, Writing } from '../../src/http/web-response-stream.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';
import { until } from '../helpers/until.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** Records the numbers that it is called with, and keeps the `Writing`. */
class Watch implements StreamWatch {
  writing: Writing | undefined;
  readonly counts: number[] = [];
  hasEnded = false;

  begin(writing: Writing): void {
    this.writing = writing;
  }

  count(bytes: number): void {
    this.counts.push(bytes);
    if (bytes === 9) throw new Fault('function_error', { message: 'enough' });
  }

  end(): void {
    this.hasEnded = true;
  }
}

test('a watch counts and cuts a streamed body, and does not see a body of one chunk', async (t) => {
  const watches: Watch[] = [];
  const bodies: ReadableStream[] = [
    ReadableStream.from(['abc', 'defgh', 'i']),
    ReadableStream.from(['much longer than that']),
  ];
  const server = await serveExchanges(t, (exchange) => {
    const watch = new Watch();
    watches.push(watch);
    return writeWebResponse(exchange, new Response(bodies.shift()), { watch });
  });

  const cut = await server.exchange(GET);
  const whole = await server.exchange(GET);

  t.notRegex(cut, /\r\n0\r\n/);
  t.regex(whole, /\r\nContent-Length: 21\r\n/);
  t.deepEqual(
    watches.map(({ counts }) => counts),
    [[8, 9], []],
  );
  t.true(watches.every(({ hasEnded }) => hasEnded));
  t.is(server.faults[0]?.message, 'enough');
});

for (const [awaited, body] of [
  ['the stream', () => new ReadableStream()],
  ['the client', () => new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(100_000)) })],
] as const) {
  test(`a watch stops a response that waits for ${awaited}`, async (t) => {
    const watch = new Watch();
    const fault = new Fault('function_error', { message: 'time is up' });
    const server = await serveExchanges(t, (exchange) => writeWebResponse(exchange, new Response(body()), { watch }));
    const socket = connect(server.port, '127.0.0.1');
    socket.pause();
    t.teardown(() => socket.destroy());

    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => server.exchanges[0]?.response.isHeadWritten ?? false, 'the head');
    if (awaited === 'the client')
      await until(() => server.exchanges[0]?.response.needsDrain === true, 'a full connection');
    watch.writing?.stop(fault);

    await until(() => server.faults.length === 1, 'the fault');
    t.is(server.faults[0], fault);
    t.true(server.exchanges[0]?.socket.destroyed);
  });
}
