import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { readInto } from '../../src/wire/node-insides.ts';
import { originPool } from '../helpers/origin-pool.ts';
import { connectTo, scriptedHop } from '../helpers/peer.ts';
import { until } from '../helpers/until.ts';
import { Relay } from '../helpers/wire-relay.ts';
import { wireServer } from '../helpers/wire-server.ts';

async function acceptedSocket(t: ExecutionContext): Promise<{ socket: Socket; write: (text: string) => void }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const peer = await connectTo(t, (server.address() as AddressInfo).port); // a TCP server has one
  const [socket] = (await accepted) as [Socket];
  t.teardown(() => {
    socket.destroy();
    server.close();
  });
  return { socket, write: (text) => peer.write(text) };
}

test('this version of Node reads an accepted socket into given memory', async (t) => {
  const { socket, write } = await acceptedSocket(t);
  const memory = Buffer.alloc(100);
  const read = new Promise<string>((resolve) => {
    const callback = (bytes: number): boolean => {
      resolve(memory.toString('latin1', 0, bytes));
      return true;
    };
    t.true(readInto(socket, { buffer: () => memory, callback }));
  });

  write('hello');

  t.is(await read, 'hello');
  t.is(socket.bytesRead, 5);
});

test('kept pieces of bodies are not overwritten by the bytes of other clients', async (t) => {
  const kept = new Map<string, Buffer[]>();
  const server = await wireServer(t, (request, response) => {
    const pieces: Buffer[] = [];
    kept.set(request.target, pieces);
    request.body.start({
      onData: (content) => pieces.push(content),
      onEnd: () => {
        response.head(200, 'OK', []);
        response.end('ok');
      },
      onFailure: () => undefined,
    });
  });
  const letters = [...'abcdefgh'];
  const peers = await Promise.all(letters.map(() => server.connect()));
  const head = (letter: string) => `POST /${letter} HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n`;
  for (const [index, peer] of peers.entries()) peer.write(head(letters[index] ?? '') + letters[index]?.repeat(1000));
  for (let round = 0; round < 2; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    for (const [index, peer] of peers.entries()) peer.write(letters[index]?.repeat(1000) ?? '');
  }
  await Promise.all(peers.map((peer) => peer.readUntil('ok')));

  for (const letter of letters) t.is(Buffer.concat(kept.get(`/${letter}`) ?? []).toString(), letter.repeat(3000));
});

test('bytes that wait for a client that does not read are not overwritten by those of other clients', async (t) => {
  const piece = 20_000;
  const pieces = 1000;
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      const isLong = (await peer.readHead()).startsWith('GET /long');
      const count = isLong ? pieces : 1;
      peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${count * piece}\r\n\r\n`);
      for (let sent = 0; sent < count; sent++) {
        // Each in a separate read.
        await new Promise((resolve) => setImmediate(resolve));
        if (!peer.socket.write((isLong ? 'a' : 'b').repeat(piece))) await once(peer.socket, 'drain');
      }
    }
  });
  const pool = originPool(t, hop.port);
  let isStuck = false;
  const server = await wireServer(t, (request, response) => {
    new Relay(request, response).start(pool);
    if (request.target === '/long')
      setInterval(() => {
        isStuck ||= response.needsDrain;
      }, 5).unref();
  });
  const slow = connect({ port: server.port, host: '127.0.0.1' });
  t.teardown(() => slow.destroy());
  slow.write('GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await once(slow, 'readable');
  await until(() => isStuck, 'the client to be behind');

  const quick = await server.connect();
  for (let count = 0; count < 20; count++) {
    quick.write('GET /short HTTP/1.1\r\nHost: a\r\n\r\n');
    await quick.readHead();
    t.is(await quick.readBytes(piece), 'b'.repeat(piece));
  }
  const { length, foreign } = await lookAt(slow);

  t.true(length > pieces * piece);
  t.is(foreign, 0);
});

/** The number of received bytes, and of bytes `b` after the head. */
async function lookAt(socket: Socket): Promise<{ length: number; foreign: number }> {
  let length = 0;
  let foreign = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const text = chunk.toString('latin1', length === 0 ? chunk.indexOf('\r\n\r\n') : 0);
    foreign += text.split('b').length - 1;
    length += chunk.length;
  }
  return { length, foreign };
}

test('a socket that Node does not read into given memory is served the same', async (t) => {
  const answers: string[] = [];
  // What tells a socket inside TLS, which is read as a stream.
  for (const prepare of [() => undefined, (socket: Socket) => Object.assign(socket, { encrypted: false })]) {
    let pauses = 0;
    const server = await wireServer(
      t,
      (request, response) => {
        if (request.upgrade !== undefined) {
          const { socket, head } = response.takeOver();
          socket.write(head);
          socket.pipe(socket);
          return;
        }
        response.head(200, 'OK', []);
        request.body.start({
          onData(content) {
            response.write(content);
            request.body.pause();
            pauses++;
            setImmediate(() => request.body.resume());
          },
          onEnd: () => response.end(request.target),
          onFailure: () => response.abort(),
        });
      },
      {},
      prepare,
    );
    const peer = await server.connect();
    peer.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n');
    for (let piece = 0; piece < 30; piece++) peer.write(String(piece % 10).repeat(10_000));
    await peer.readToEnd();
    t.true(pauses > 1);
    const content = peer.received.replaceAll(/^Date: .*$/gm, '').replaceAll(/[0-9a-f]+\r\n(\d{40,})\r\n/g, '$1');
    const upgraded = await server.connect();
    upgraded.write('GET /3 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly');
    await upgraded.readUntil('early');
    upgraded.end('late');
    answers.push(content + (await upgraded.readToEnd()));
  }
  t.is(answers[1], answers[0]);
  t.regex(answers[0] ?? '', /0{10000}1{10000}/);
});

test('a connection that is taken over continues as a stream', async (t) => {
  const server = await wireServer(t, (_request, response) => {
    const { socket, head } = response.takeOver();
    socket.write(head);
    socket.pipe(socket);
  });
  const peer = await server.connect();
  peer.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly');
  t.is(await peer.readBytes(5), 'early');
  const other = await server.connect();
  for (let count = 0; count < 20; count++) {
    const text = String(count).repeat(5000);
    peer.write(text);
    other.write('x'.repeat(count));
    t.is(await peer.readBytes(text.length), text);
  }
  peer.end();
  t.is(await peer.readToEnd(), '');
});
