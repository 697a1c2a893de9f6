import test from 'ava';
import { CHUNKED } from '../../src/wire/message-head.ts';
import { DROPPED, MessageWriter } from '../../src/wire/message-writer.ts';
import { UNTIL_CLOSE } from '../../src/wire/response-head.ts';
import { socketPair } from '../helpers/socket-pair.ts';

const HEAD = 'HTTP/1.1 200 OK\r\n\r\n';
const LARGE = 'é'.repeat(20_000);

for (const [title, framing, contents, trailers, expected] of [
  ['with a length', 5, ['he', Buffer.from('llo')], '', 'hello'],
  ['until the end of the connection', UNTIL_CLOSE, ['he', 'llo'], '', 'hello'],
  ['in chunks', CHUNKED, ['he', '', Buffer.from('llo world!')], '', '2\r\nhe\r\na\r\nllo world!\r\n0\r\n\r\n'],
  ['with trailers', CHUNKED, ['a', ''], 'X: y\r\n', '1\r\na\r\n0\r\nX: y\r\n\r\n'],
  ['that is dropped', DROPPED, ['hello', 'x'], '', ''],
  ['in UTF-8', 4, [new Uint8Array([195, 169]), 'é'], '', 'éé'],
  ['in large chunks', CHUNKED, [LARGE, LARGE], '', `9c40\r\n${LARGE}\r\n9c40\r\n${LARGE}\r\n0\r\n\r\n`],
  ['that is large', 80_000, [Buffer.from(LARGE), LARGE], '', LARGE + LARGE],
] as const) {
  test(`a body ${title} is framed as its head says`, async (t) => {
    const { socket, peer } = await socketPair(t);
    const writer = new MessageWriter(socket);
    writer.begin(HEAD, framing);
    for (const content of contents.slice(0, -1)) writer.write(content);
    t.true(writer.end(contents.at(-1) ?? '', trailers));
    socket.end();

    t.is(await peer.readToEnd(), HEAD + Buffer.from(expected).toString('latin1'));
  });
}

test('a head and the available content are sent in one write', async (t) => {
  const { socket } = await socketPair(t);
  const writer = new MessageWriter(socket);
  let writes = 0;
  const write = socket.write.bind(socket);
  socket.write = ((...args: Parameters<typeof write>) => {
    writes++;
    return write(...args);
  }) as typeof socket.write;

  writer.begin(HEAD, CHUNKED);
  writer.end('hello', '');
  t.is(writes, 1);
});

test('an end without bytes causes no write, and is flushed after the earlier writes', async (t) => {
  const { socket, peer } = await socketPair(t);
  const writer = new MessageWriter(socket);
  writer.begin(HEAD, 5);
  writer.write('hello');
  let writes = 0;
  const write = socket.write.bind(socket);
  socket.write = ((...args: Parameters<typeof write>) => {
    writes++;
    return write(...args);
  }) as typeof socket.write;
  t.true(writer.end('', ''));
  t.true(writer.isFlushed);
  t.is(writes, 0);
  await peer.readUntil('hello');

  peer.socket.pause();
  const length = 32 * 1024 ** 2;
  writer.begin(HEAD, length);
  writer.write(Buffer.alloc(length));
  writer.end('', '');
  t.false(writer.isFlushed);
  const flushed = new Promise<unknown>((resolve) => writer.whenFlushed(resolve));
  peer.socket.resume();
  t.falsy(await flushed);
  t.true(writer.isFlushed);
});

test('a head can be sent alone, once', async (t) => {
  const { socket, peer } = await socketPair(t);
  const writer = new MessageWriter(socket);
  writer.begin(HEAD, 2);
  writer.flush();
  await peer.readHead();
  writer.flush();
  writer.end('hi', '');
  t.is(await peer.readBytes(2), 'hi');
});

test('a body longer than its length is refused before any surplus byte is sent', async (t) => {
  const { socket, peer } = await socketPair(t);
  const writer = new MessageWriter(socket);
  writer.begin(HEAD, 5);
  writer.write('hell');
  t.throws(() => writer.write('oo'), { instanceOf: RangeError });
  t.throws(() => writer.end('oo', ''), { instanceOf: RangeError });
  socket.end();
  t.is(await peer.readToEnd(), `${HEAD}hell`);
});

test('a body shorter than its length is detected at its end', async (t) => {
  const { socket } = await socketPair(t);
  const writer = new MessageWriter(socket);
  writer.begin(HEAD, 5);
  t.false(writer.end('hell', ''));
});
