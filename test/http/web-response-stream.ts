import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { writeWebResponse } from '../../src/http/web-response.ts';
import { type ExchangeServer, serveExchanges } from '../helpers/exchange-server.ts';
import { until } from '../helpers/until.ts';

function serve(t: ExecutionContext, make: () => Response): Promise<ExchangeServer> {
  return serveExchanges(t, (exchange) => writeWebResponse(exchange, make()));
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** A stream that has all its chunks from the start. */
function streamOf(...chunks: unknown[]): ReadableStream {
  return ReadableStream.from(chunks);
}

/** A stream and its controller. */
function controlledStream(): { stream: ReadableStream; controller: ReadableStreamDefaultController } {
  let controller: ReadableStreamDefaultController | undefined;
  const stream = new ReadableStream({
    start(given) {
      controller = given;
    },
  });
  if (!controller) throw new Error('ReadableStream calls start synchronously');
  return { stream, controller };
}

test('several chunks are sent as chunks, strings as UTF-8', async (t) => {
  const server = await serve(t, () => new Response(streamOf('a', Buffer.from('bc'), '', 'é')));

  const answer = await server.exchange(GET);

  t.regex(answer, /\r\nTransfer-Encoding: chunked\r\n/);
  t.true(answer.endsWith('\r\n\r\n1\r\na\r\n2\r\nbc\r\n2\r\n\xc3\xa9\r\n0\r\n\r\n'));
  t.is(server.exchanges[0]?.response.sentBytes, 5);
});

test('an HTTP/1.0 client gets a stream without chunks, ended by the end of the connection', async (t) => {
  const server = await serve(t, () => new Response(streamOf('a', 'b')));

  const answer = await server.exchange('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');

  t.notRegex(answer, /transfer-encoding|keep-alive/i);
  t.true(answer.endsWith('\r\n\r\nab'));
});

test('the head is sent before a stream has its first event', async (t) => {
  const { stream, controller } = controlledStream();
  const server = await serve(t, () => new Response(stream, { headers: { 'Content-Type': 'text/event-stream' } }));
  const peer = await server.connect();

  peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  t.regex(await peer.readHead(), /\r\ncontent-type: text\/event-stream\r\n/);
  controller.enqueue('data: 1\n\n');
  t.is(await peer.readUntil('data: 1\n\n'), '9\r\ndata: 1\n\n');
  controller.close();

  await peer.readUntil('0\r\n\r\n');
  t.pass();
});

test('the first event of a stream is sent before the second one exists', async (t) => {
  const { stream, controller } = controlledStream();
  const server = await serve(t, () => new Response(stream));
  controller.enqueue('data: 1\n\n');
  const peer = await server.connect();

  peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');

  await peer.readUntil('data: 1\n\n');
  controller.close();
  t.pass();
});

test('the head and a first chunk that exists already are sent together', async (t) => {
  const server = await serve(t, () => new Response(streamOf('a', 'b')));
  const peer = await server.connect();

  peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [first] = await once(peer.socket, 'data');

  t.true(String(first).endsWith('1\r\na\r\n1\r\nb\r\n0\r\n\r\n'));
});

test('a stream keeps the Content-Length of the function', async (t) => {
  const server = await serve(t, () => new Response(streamOf('He', 'llo'), { headers: { 'Content-Length': '5' } }));

  const answer = await server.exchange(GET);

  t.regex(answer, /\r\nContent-Length: 5\r\n/);
  t.true(answer.endsWith('\r\n\r\nHello'));
});

for (const [how, length] of [
  ['longer', 4],
  ['shorter', 6],
] as const) {
  test(`a stream that is ${how} than its Content-Length is function_bad_answer and is cut`, async (t) => {
    const headers = { 'Content-Length': String(length) };
    const server = await serve(t, () => new Response(streamOf('He', 'l', 'lo'), { headers }));

    const answer = await server.exchange(`${GET.slice(0, -2)}\r\n`);

    t.like(server.faults[0], {
      code: 'function_bad_answer',
      message: `the body is ${how} than its Content-Length, ${length}`,
    });
    t.not(answer.split('\r\n\r\n')[1]?.length, length);
  });
}

test('a first chunk longer than Content-Length is function_bad_answer although the stream stays open', async (t) => {
  const { stream, controller } = controlledStream();
  controller.enqueue('Hello');
  const server = await serve(t, () => new Response(stream, { headers: { 'Content-Length': '0' } }));

  await server.exchange(GET);

  t.like(server.faults[0], { code: 'function_bad_answer', message: 'the body is longer than its Content-Length, 0' });
});

test('a stream that fails after its first chunk is cut without a last chunk', async (t) => {
  const { stream, controller } = controlledStream();
  const server = await serve(t, () => new Response(stream));
  const peer = await server.connect();

  peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  controller.enqueue('data');
  await peer.readUntil('data\r\n');
  controller.error(new Error('no more'));

  t.is(await peer.readToEnd(), '');
  t.like(server.faults[0], { code: 'function_error', cause: { message: 'no more' } });
});

test('a stream that has failed already gets an error response', async (t) => {
  const { stream, controller } = controlledStream();
  controller.enqueue('data');
  controller.error(new Error('no more'));
  const server = await serve(t, () => new Response(stream));

  t.regex(await server.exchange(GET), /^HTTP\/1.1 500 .*function_error/s);
});

for (const [how, fail] of [
  ['after a promise', async () => {}],
  ['some ticks later', () => ticks(20)],
] as const) {
  for (const count of [0, 1]) {
    test(`a stream that fails ${how} in its first turn, after ${count} chunks, gets an error response only`, async (t) => {
      let left = count;
      const server = await serve(t, () => {
        const pull = async (controller: ReadableStreamDefaultController): Promise<void> => {
          await fail();
          if (left-- <= 0) throw new Error('no more');
          controller.enqueue('data');
        };
        return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }));
      });

      t.regex(await server.exchange(GET), /^HTTP\/1\.1 500 .*function_error/s);
      t.is(server.exchanges[0]?.response.status, 500);
      t.like(server.faults, [{ code: 'function_error', cause: { message: 'no more' } }]);
    });
  }
}

test('a stream of Node that fails at its first read gets an error response', async (t) => {
  const server = await serveExchanges(t, (exchange) => {
    const body = new Readable({
      read() {
        this.destroy(new Error('no more'));
      },
    });
    return writeWebResponse(exchange, { status: 200, headers: [], body, bodyUsed: false });
  });

  t.regex(await server.exchange(GET), /^HTTP\/1\.1 500 .*function_error/s);
});

test('two chunks that are longer than Content-Length get an error response', async (t) => {
  const headers = { 'Content-Length': '4' };
  const server = await serve(t, () => new Response(streamOf('He', 'llo'), { headers }));

  t.regex(await server.exchange(GET), /^HTTP\/1\.1 500 .*function_bad_answer/s);
});

test('a chunk that is neither bytes nor text cancels its stream', async (t) => {
  const cancelled = Promise.withResolvers<unknown>();
  const server = await serve(t, () => {
    const pull = (controller: ReadableStreamDefaultController): void => controller.enqueue({});
    return new Response(new ReadableStream({ pull, cancel: cancelled.resolve }));
  });

  await server.exchange(GET);

  t.like(await cancelled.promise, { code: 'function_bad_answer' });
});

test('a client that leaves cancels the stream and ends the response', async (t) => {
  const cancelled = Promise.withResolvers<unknown>();
  const over = Promise.withResolvers<void>();
  const server = await serveExchanges(t, async (exchange) => {
    await writeWebResponse(exchange, new Response(new ReadableStream({ cancel: cancelled.resolve })));
    over.resolve();
  });
  const peer = await server.connect();

  peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.readHead();
  peer.reset();

  t.like(await cancelled.promise, { code: 'client_left' });
  await over.promise;
  t.deepEqual(server.faults, []);
});

test('the stream of a client that has left is cancelled and nothing is written', async (t) => {
  const over = Promise.withResolvers<void>();
  const server = await serveExchanges(t, async (exchange) => {
    peer.reset();
    await until(() => exchange.response.isClosed, 'the client to leave');
    await writeWebResponse(exchange, new Response('Hello'));
    t.false(exchange.response.isHeadWritten);
    over.resolve();
  });
  const peer = await server.connect();

  peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');

  await over.promise;
});

test('a client that leaves while its connection is full cancels the stream', async (t) => {
  const cancelled = Promise.withResolvers<unknown>();
  const over = Promise.withResolvers<void>();
  const server = await serveExchanges(t, async (exchange) => {
    await writeWebResponse(exchange, new Response(endless(cancelled.resolve)));
    over.resolve();
  });
  const peer = await server.connect();
  peer.socket.pause();

  peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await turns(1000);
  peer.reset();

  t.like(await cancelled.promise, { code: 'client_left' });
  await over.promise;
});

test('a stream is read no faster than the client reads, and arrives completely', async (t) => {
  const size = 48 * 1024 * 1024;
  let made = 0;
  const server = await serve(t, () => {
    const pull = (controller: ReadableStreamDefaultController): void => {
      if (made === size) controller.close();
      else controller.enqueue(new Uint8Array(65_536));
      made = Math.min(size, made + 65_536);
    };
    return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), {
      headers: { 'Content-Length': `${size}` },
    });
  });
  const socket = connect(server.port, '127.0.0.1');
  t.teardown(() => socket.destroy());

  socket.write(GET);
  await turns(2000);
  t.true(made > 0 && made < size / 4, `${made} bytes were read from the stream for a client that reads none`);
  let received = 0;
  for await (const chunk of socket) received += chunk.length;

  t.true(received > size);
  t.is(server.exchanges[0]?.response.sentBytes, size);
});

function endless(cancel: (reason: unknown) => void): ReadableStream {
  const pull = (controller: ReadableStreamDefaultController): void => controller.enqueue(new Uint8Array(65_536));
  return new ReadableStream({ pull, cancel });
}

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick++) await new Promise<void>((resolve) => process.nextTick(resolve));
}

/** Waits for enough turns of the event loop for the connection to be full. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
