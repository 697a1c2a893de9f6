import test from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { toWebRequest } from '../../src/http/web-request.ts';
import { writeWebResponse } from '../../src/http/web-response.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';
import { until } from '../helpers/until.ts';

/** Answers with the request's body. */
async function echo(exchange: Exchange): Promise<void> {
  await writeWebResponse(exchange, new Response(await toWebRequest(exchange).text()));
}

/** Waits for enough turns of the event loop for a whole body to arrive if it were read. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A promise with its `resolve` and `reject`. */
function signalled<T = void>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  return Promise.withResolvers<T>();
}

test('a body with a length and a chunked body are read completely', async (t) => {
  const server = await serveExchanges(t, echo);
  const peer = await server.connect();

  peer.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel');
  peer.write('lo');
  t.true((await peer.readUntil('hello')).startsWith('HTTP/1.1 200'));
  peer.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n3\r\nnny\r\n0\r\n\r\n');

  t.true((await peer.readUntil('bonny')).startsWith('HTTP/1.1 200'));
  t.is(server.exchanges[1]?.request.body.receivedBytes, 5);
});

test('a function may read a body into its own buffer', async (t) => {
  const server = await serveExchanges(t, async (exchange) => {
    const reader = toWebRequest(exchange).body?.getReader({ mode: 'byob' });
    const first = await reader?.read(new Uint8Array(3));
    const second = await reader?.read(new Uint8Array(3));
    const third = await reader?.read(new Uint8Array(3));
    await writeWebResponse(exchange, Response.json([first?.value?.length, second?.value?.length, third?.done]));
  });

  const answer = await server.exchange(
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
  );

  t.true(answer.endsWith('[3,2,true]'));
});

test('a body is read from the client no faster than by the function', async (t) => {
  const size = 32 * 1024 * 1024;
  const begun = signalled();
  const goOn = signalled();
  const server = await serveExchanges(t, async (exchange) => {
    const reader = toWebRequest(exchange).body?.getReader();
    let length = (await reader?.read())?.value?.length ?? 0;
    begun.resolve();
    await goOn.promise;
    for (let chunk = await reader?.read(); !chunk?.done; chunk = await reader?.read())
      length += chunk?.value.length ?? 0;
    await writeWebResponse(exchange, new Response(`length ${length}!`));
  });

  const peer = await server.connect();
  peer.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
  peer.socket.write(Buffer.alloc(size));
  await begun.promise;
  await turns(1000);

  t.true((server.exchanges[0]?.socket.bytesRead ?? size) < size / 4);
  goOn.resolve();
  t.true((await peer.readUntil('!')).endsWith(`length ${size}!`));
});

test('a client that waits for 100 gets it when the function reads the body', async (t) => {
  const server = await serveExchanges(t, echo);
  const peer = await server.connect();

  peer.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
  t.is(await peer.readHead(), 'HTTP/1.1 100 Continue\r\n\r\n');
  peer.write('hello');

  t.true((await peer.readUntil('hello')).startsWith('HTTP/1.1 200'));
});

test('a client that waits for 100 gets only the response when the function does not read, then the connection ends', async (t) => {
  const server = await serveExchanges(t, async (exchange) => {
    toWebRequest(exchange);
    await writeWebResponse(exchange, new Response('no'));
  });

  const answer = await server.exchange(
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n',
  );

  t.true(answer.startsWith('HTTP/1.1 200'));
  t.regex(answer, /\r\nConnection: close\r\n/);
});

test('reading a body rejects when the client leaves in the middle of it', async (t) => {
  const failure = signalled<unknown>();
  const server = await serveExchanges(t, async (exchange) => {
    const text = toWebRequest(exchange).text();
    peer.reset();
    failure.resolve(await text.catch((error: unknown) => error));
  });

  const peer = await server.connect();
  peer.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel');

  t.like(await failure.promise, { code: 'client_left' });
});

test('reading a body rejects when the client has left before', async (t) => {
  const failure = signalled<unknown>();
  const server = await serveExchanges(t, async (exchange) => {
    const request = toWebRequest(exchange);
    peer.reset();
    await until(() => exchange.response.isClosed, 'the client to leave');
    failure.resolve(await request.text().catch((error: unknown) => error));
  });

  const peer = await server.connect();
  peer.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel');

  t.like(await failure.promise, { code: 'client_left' });
});

test('a body above the limit gets 413 while it is read', async (t) => {
  const server = await serveExchanges(t, echo, { bodyLimitBytes: 10 });

  const answer = await server.exchange(
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n${'x'.repeat(20)}\r\n`,
  );

  t.regex(answer, /^HTTP\/1.1 413 /);
});

test('the connection ends when a function answers a request whose body is too large', async (t) => {
  const server = await serveExchanges(
    t,
    async (exchange) => {
      await t.throwsAsync(toWebRequest(exchange).text());
      await writeWebResponse(exchange, new Response('too much'));
    },
    { bodyLimitBytes: 10 },
  );

  const answer = await server.exchange(
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n${'x'.repeat(20)}\r\n0\r\n\r\n`,
  );

  t.regex(answer, /\r\nConnection: close\r\n/);
  t.true(answer.endsWith('too much'));
});

test('a chunk that shares its memory with others is copied, not detached', async (t) => {
  const server = await serveExchanges(t, echo);

  const answer = await server.exchange(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhe\r\n2\r\ny!\r\n0\r\n\r\n',
  );

  t.true(answer.endsWith('hey!'));
});

test('the body of a GET is dropped, and the next request on the connection is answered', async (t) => {
  const server = await serveExchanges(t, async (exchange) => {
    t.is(toWebRequest(exchange).body, null);
    await writeWebResponse(exchange, new Response(`${exchange.target};`));
  });
  const peer = await server.connect();

  peer.write('GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
  await peer.readUntil('/1;');
  peer.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');

  t.true((await peer.readUntil('/2;')).startsWith('HTTP/1.1 200'));
});

for (const [how, leave] of [
  ['stops reading', async (): Promise<void> => {}],
  ['cancels', (reader: ReadableStreamDefaultReader): Promise<void> => reader.cancel()],
] as const) {
  test(`a function that ${how} near the end of a body leaves the connection usable`, async (t) => {
    const server = await serveExchanges(t, async (exchange) => {
      const reader = toWebRequest(exchange).body?.getReader();
      if (reader) {
        await reader.read();
        await leave(reader);
      }
      await writeWebResponse(exchange, new Response(`${exchange.target};`));
    });
    const peer = await server.connect();

    peer.write('POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nx');
    await peer.readUntil('/1;');
    peer.write('x'.repeat(59_999));
    peer.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');

    t.true((await peer.readUntil('/2;')).startsWith('HTTP/1.1 200'));
  });
}

test('a function that stops reading far from the end of a body closes the connection, and the client still reads the response', async (t) => {
  const server = await serveExchanges(t, async (exchange) => {
    await toWebRequest(exchange).body?.getReader().read();
    await writeWebResponse(exchange, new Response('enough;'));
  });
  const peer = await server.connect();

  peer.write('POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx');
  t.regex(await peer.readUntil('enough;'), /\r\nConnection: close\r\n/);
  peer.write('x'.repeat(999_999));

  t.is(await peer.readToEnd(), '');
  t.is(peer.closed, undefined);
});

test('a body cannot be read after the response is complete', async (t) => {
  const failure = signalled<unknown>();
  const server = await serveExchanges(t, async (exchange) => {
    const request = toWebRequest(exchange);
    await writeWebResponse(exchange, new Response('done'));
    await until(() => exchange.response.isClosed, 'the end of the response');
    failure.resolve(await request.text().catch((error: unknown) => error));
  });

  await server.exchange('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello');

  t.regex(String(await failure.promise), /must be read before the response is complete/);
});

test('a body that is being read when the response is complete is read to its end', async (t) => {
  const text = signalled<string>();
  const server = await serveExchanges(t, async (exchange) => {
    toWebRequest(exchange).text().then(text.resolve, text.reject);
    await writeWebResponse(exchange, new Response('done;'));
  });
  const peer = await server.connect();

  peer.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel');
  await peer.readUntil('done;');
  peer.write('lo');

  t.is(await text.promise, 'hello');
});
