import test from 'ava';
import { TextResponse } from '../../src/http/text-response.ts';
import { writeWebResponse } from '../../src/http/web-response.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';

type Class = typeof Response;

const Native = globalThis.Response;
const Ours = TextResponse as unknown as Class;

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** The form of the body of a page of Astro. */
function piecesOf(...pieces: unknown[]): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      yield* pieces as Uint8Array[]; // both classes take what code may give them
    },
  };
}

function failing(): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      yield Buffer.from('a');
      throw new RangeError('no more');
    },
  };
}

async function observe(of: Class, look: (of: Class) => unknown): Promise<unknown> {
  try {
    return await look(of);
  } catch (error) {
    return (error as Error).name;
  }
}

const LOOKS: Readonly<Record<string, (of: Class) => unknown>> = {
  text: (of) => new of(piecesOf(Buffer.from('a'), 'é', '', new Uint8Array([66]))).text(),
  json: (of) => new of(piecesOf('{"a":', '1}')).json(),
  bytes: async (of) => [...new Uint8Array(await new of(piecesOf('ab', 'c')).arrayBuffer())],
  'a blob with the type of the headers': async (of) =>
    (await new of(piecesOf('a'), { headers: { 'Content-Type': 'a/b' } }).blob()).type,
  'its headers': (of) => [...new of(piecesOf('a')).headers],
  'given headers, status and reason': (of) => {
    const { headers, ok, status, statusText } = new of(piecesOf('a'), {
      headers: { a: 'b' },
      status: 404,
      statusText: 'No',
    });
    return [[...headers], ok, status, statusText];
  },
  'a status without a body': (of) => new of(piecesOf('a'), { status: 204 }),
  'the stream': async (of) => {
    const { body } = new of(piecesOf('a', 'b'));
    const read: string[] = [];
    for await (const piece of body ?? []) read.push(Buffer.from(piece).toString());
    return [body instanceof ReadableStream, read];
  },
  'a reader with a buffer of its own': (of) => typeof new of(piecesOf('a')).body?.getReader({ mode: 'byob' }),
  bodyUsed: async (of) => {
    const response = new of(piecesOf('a'));
    const before = response.bodyUsed;
    await response.text();
    return [before, response.bodyUsed];
  },
  'a second read': async (of) => {
    const response = new of(piecesOf('a'));
    await response.text();
    return response.text();
  },
  'a clone': async (of) => {
    const response = new of(piecesOf('a'), { headers: { a: 'b' } });
    const clone = response.clone();
    return [await clone.text(), await response.text(), clone.headers.get('a')];
  },
  'a failure': (of) => new of(failing()).text(),
  'a piece that is no text and no bytes': (of) => new of(piecesOf(5)).text(),
  'a cancelled stream': async (of) => {
    let isCancelled = false;
    const pieces = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false as const, value: Buffer.from('a') }),
        return: async () => {
          isCancelled = true;
          return { done: true as const, value: undefined };
        },
      }),
    };
    await new of(pieces).body?.cancel();
    return isCancelled;
  },
};

for (const [title, look] of Object.entries(LOOKS)) {
  test(`a Response with a body in pieces behaves like a native one: ${title}`, async (t) => {
    t.deepEqual(await observe(Ours, look), await observe(Native, look));
  });
}

test('pieces can be taken once, then the body counts as read', async (t) => {
  const pieces = piecesOf('a');
  const response = new Ours(pieces);

  t.is(TextResponse.takePieces(response), pieces);
  t.is(TextResponse.takePieces(response), undefined);
  t.true(response.bodyUsed);
  await t.throwsAsync(response.text(), { instanceOf: TypeError });
});

test('pieces are not taken after code has looked at the stream, nor from other classes', (t) => {
  const response = new Ours(piecesOf('a'));
  t.truthy(response.body);

  t.is(TextResponse.takePieces(response), undefined);
  t.is(TextResponse.takePieces(new Ours(new ReadableStream())), undefined);
  t.is(TextResponse.takePieces(new Native(piecesOf('a'))), undefined);
});

test('a single piece is sent with its length, several are sent in chunks', async (t) => {
  const bodies = [piecesOf('whole'), piecesOf('a', '', 'bc')];
  const server = await serveExchanges(t, (exchange) => writeWebResponse(exchange, new Ours(bodies.shift())));

  t.regex(await server.exchange(GET), /\r\nContent-Length: 5\r\n[\s\S]*\r\n\r\nwhole$/);
  t.true((await server.exchange(GET)).endsWith('\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n'));
});

test('code may use its memory again for the next piece', async (t) => {
  const pieces = {
    async *[Symbol.asyncIterator]() {
      const memory = new Uint8Array(1);
      for (memory[0] = 97; memory[0] < 100; memory[0]++) yield memory;
    },
  };
  const server = await serveExchanges(t, (exchange) => writeWebResponse(exchange, new Ours(pieces)));

  t.true((await server.exchange(GET)).endsWith('\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n'));
});

test('pieces that fail before anything is sent get an error response', async (t) => {
  const early = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('broken')) }) };
  const bodies = [early, failing()];
  const server = await serveExchanges(t, (exchange) => writeWebResponse(exchange, new Ours(bodies.shift())));

  t.regex(await server.exchange(GET), /^HTTP\/1\.1 500 /);
  t.regex(await server.exchange(GET), /^HTTP\/1\.1 500 /);
});

/** The first one never comes. `ended` resolves when the pieces are cancelled. */
function endless() {
  const ended = Promise.withResolvers<void>();
  const pieces = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<IteratorResult<Uint8Array, undefined>>(() => {}),
      return: async () => {
        ended.resolve();
        return { done: true as const, value: undefined };
      },
    }),
  };
  return { pieces, ended: ended.promise };
}

test('a HEAD ends the pieces', async (t) => {
  const { pieces, ended } = endless();
  const server = await serveExchanges(t, (exchange) => writeWebResponse(exchange, new Ours(pieces)));

  t.regex(await server.exchange(GET.replace('GET', 'HEAD')), /^HTTP\/1\.1 200 /);
  await ended;
});

test('a client that leaves ends the pieces and the response, also if the next piece never comes', async (t) => {
  const { pieces, ended } = endless();
  const over = Promise.withResolvers<void>();
  const server = await serveExchanges(t, async (exchange) => {
    await writeWebResponse(exchange, new Ours(pieces));
    over.resolve();
  });
  const peer = await server.connect();

  peer.write(GET);
  await peer.readHead();
  peer.reset();

  await ended;
  await over.promise;
  t.deepEqual(server.faults, []);
});
