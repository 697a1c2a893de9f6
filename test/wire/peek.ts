import test from 'ava';
import type { BodySource, ResponseSink } from '../../src/contract/http-message.ts';
import { wireServer } from '../helpers/wire-server.ts';

const head = (length: number, more = '') => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${more}\r\n`;

/** Reads the body to its end, and answers with all of it. */
function echoBody(body: BodySource, response: ResponseSink): void {
  const pieces: Buffer[] = [];
  body.start({
    onData: (piece) => void pieces.push(piece),
    onEnd: () => answer(response, `<${Buffer.concat(pieces)}>`),
    onFailure: ({ code }) => answer(response, code),
  });
}

function answer(response: ResponseSink, text: string): void {
  response.head(200, 'OK', ['Content-Length', String(text.length)]);
  response.end(text);
}

const seen = (content: Buffer, response: ResponseSink): void => response.inform(103, ['Seen', String(content)]);

test('a body that was peeked is read from its beginning, whether the whole of it or a part was seen', async (t) => {
  const server = await wireServer(t, async ({ body }, response) => {
    seen(await body.peek((content) => content.includes('b')), response);
    echoBody(body, response);
  });
  const peer = await server.connect();

  peer.write(`${head(3)}axa`);
  await peer.readUntil('Seen: axa\r\n');
  await peer.readUntil('<axa>');
  peer.write(`${head(6)}ab`);
  await peer.readUntil('Seen: ab\r\n');
  peer.write(`cdef${head(1)}z`);
  await peer.readUntil('<abcdef>');

  t.regex(await peer.readUntil('<z>'), /Seen: z/);
});

test('a body that was peeked to its end can be peeked again', async (t) => {
  const server = await wireServer(t, async ({ body }, response) => {
    await body.peek(() => false);
    seen(await body.peek(() => false), response);
    seen(await body.peek((content) => content.includes('b')), response);
    echoBody(body, response);
  });
  const peer = await server.connect();

  peer.write(`${head(3)}abc`);
  const text = await peer.readUntil('<abc>');

  t.is(text.match(/Seen: abc/g)?.length, 2);
});

test('a peek sends 100 Continue once', async (t) => {
  const server = await wireServer(t, async ({ body }, response) => {
    await body.peek(() => true);
    echoBody(body, response);
  });
  const peer = await server.connect();

  peer.write(head(2, 'Expect: 100-continue\r\n'));
  await peer.readUntil('100 Continue\r\n\r\n');
  peer.write('hi');

  t.false((await peer.readUntil('<hi>')).includes('100 Continue'));
});

test('a sink that pauses at the peeked part gets the rest and the end after it resumes', async (t) => {
  const server = await wireServer(t, async ({ body }, response) => {
    await body.peek(() => true);
    const events: string[] = [];
    body.start({
      onData(piece) {
        events.push(String(piece));
        body.pause();
        setImmediate(() => {
          events.push('resumed');
          body.resume();
        });
      },
      onEnd: () => answer(response, events.join()),
      onFailure: ({ code }) => answer(response, code),
    });
  });
  const peer = await server.connect();

  peer.write(`${head(2)}hi`);
  await peer.readUntil('hi,resumed');
  peer.write(`${head(4)}`);
  peer.write('hi');
  setImmediate(() => peer.write('ho'));
  t.regex(await peer.readUntil('resumed'), /hi/);
});

test('a peeked body that nothing reads is dropped, and the connection takes the next request', async (t) => {
  const server = await wireServer(t, async ({ body }, response) => {
    await body.peek(() => true);
    answer(response, 'early');
  });
  const peer = await server.connect();

  peer.write(`${head(2)}hi`);
  await peer.readUntil('early');
  peer.write(`${head(4)}hi`);
  await peer.readUntil('early');
  peer.write(`ho${head(1)}x`);
  await peer.readUntil('early');

  t.is(server.connections.size, 1);
});

test('a peek of a body that does not come rejects with the fault of the body', async (t) => {
  let code: string | undefined;
  const server = await wireServer(t, async ({ body }) => {
    await body
      .peek(() => false)
      .catch((fault) => {
        code = fault.code;
      });
  });
  const peer = await server.connect();

  peer.write(`${head(9)}half`);
  peer.end();
  await peer.readToEnd();

  t.is(code, 'client_left');
});
