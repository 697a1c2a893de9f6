import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type LingerLimits, lingerOnClose } from '../../src/http/linger.ts';

interface Refusal {
  readonly client: Socket;
  /** The server's end of the client's connection. */
  readonly socket: Socket;
  /** Targets of the requests that were handed out. */
  readonly targets: readonly string[];
  /** What node:http complained of. */
  readonly complaints: readonly Error[];
}

const UPLOAD = 10 * 1024 ** 2;
const HEAD = `POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${UPLOAD}\r\n\r\n`;

/**
 * Sends `text` to a server that answers every request with 413 and then closes by lingering.
 * Resolves when the first came.
 */
async function refuse(
  t: ExecutionContext,
  text: string,
  limits: Partial<LingerLimits> = {},
  answer: (response: ServerResponse) => void = refuseAtOnce,
): Promise<Refusal> {
  const targets: string[] = [];
  const complaints: Error[] = [];
  const server = createServer((request, response) => {
    targets.push(request.url ?? '');
    lingerOnClose(request.socket, limits);
    answer(response);
  });
  server.on('clientError', (error) => complaints.push(error));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has one
  // Half-open, so that it goes on sending after the server's end, as clients do that only read at
  // the end.
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.teardown(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  client.write(text);
  const [request] = await once(server, 'request');
  return { client, socket: request.socket, targets, complaints };
}

function refuseAtOnce(response: ServerResponse): void {
  response.writeHead(413, ['Content-Length', '9', 'Connection', 'close']).end('too large');
}

/** Sends the body, and begins to read only when all of it is sent. */
async function uploadThenRead(client: Socket): Promise<string> {
  client.pause();
  await new Promise<void>((resolve, reject) => {
    client.once('error', reject);
    client.write(Buffer.alloc(UPLOAD), (error) => (error ? reject(error) : resolve()));
  });
  let answer = '';
  for await (const chunk of client.setEncoding('latin1')) answer += chunk;
  return answer;
}

/** Also by an error, which is no news here. */
async function closed(socket: Socket): Promise<void> {
  await new Promise((resolve) => socket.once('close', resolve));
}

test('a client that sends 10 MB before it reads gets the answer that refused it', async (t) => {
  const { client } = await refuse(t, HEAD);

  t.regex(await uploadThenRead(client), /^HTTP\/1\.1 413 .*too large$/s);
});

test('it gets the response even if the server had stopped reading its body', async (t) => {
  const { client } = await refuse(t, HEAD, {}, (response) => {
    const stopped = () => refuseAtOnce(response);
    response.req.once('data', () => response.req.pause());
    response.req.socket.once('pause', stopped);
  });

  t.regex(await uploadThenRead(client), /^HTTP\/1\.1 413 .*too large$/s);
});

test('it gets the response even if its body was never read', async (t) => {
  const { client } = await refuse(t, HEAD, {}, (response) => {
    response.req.socket.once('pause', () => refuseAtOnce(response));
  });

  t.regex(await uploadThenRead(client), /^HTTP\/1\.1 413 .*too large$/s);
});

test('no request after the last response is processed', async (t) => {
  const { client, socket, targets } = await refuse(t, HEAD);

  const answer = uploadThenRead(client);
  client.end('DELETE /all HTTP/1.1\r\nHost: a\r\n\r\n');
  await Promise.all([answer, closed(socket)]);

  t.deepEqual(targets, ['/upload']);
});

test('the connection of a client that gives up its upload is closed at once, without a client error', async (t) => {
  const { client, socket, complaints } = await refuse(t, HEAD, { idleMs: 60_000, totalMs: 60_000 });

  client.end();
  await closed(socket);

  t.deepEqual(complaints, []);
});

test('a client that resets the connection causes no client error', async (t) => {
  const { client, socket, complaints } = await refuse(t, HEAD, { idleMs: 60_000, totalMs: 60_000 });

  await once(client.resume(), 'end');
  client.resetAndDestroy();
  await closed(socket);

  t.deepEqual(complaints, []);
});

test('the connection of a client that sends nothing is closed after the idle time', async (t) => {
  const { socket } = await refuse(t, HEAD, { idleMs: 50, totalMs: 60_000 });

  await closed(socket);

  t.true(socket.destroyed);
});

test('the connection of a client that keeps sending a little is closed after the total time', async (t) => {
  const { client, socket } = await refuse(t, HEAD, { idleMs: 60_000, totalMs: 100 });
  client.on('error', () => {}); // it goes on after it was let go
  const trickle = setInterval(() => client.write('a'), 10);
  t.teardown(() => clearInterval(trickle));

  await closed(socket);

  t.true(socket.destroyed);
});

test('every received byte restarts the idle time', async (t) => {
  const { client, socket } = await refuse(t, HEAD, { idleMs: 150, totalMs: 600 });
  const startedAt = performance.now();
  client.on('error', () => {}); // it goes on after it was let go
  const trickle = setInterval(() => client.write('a'), 10);
  t.teardown(() => clearInterval(trickle));

  await closed(socket);

  t.true(performance.now() - startedAt > 400);
});

test('the connection of a client that sends too much is closed', async (t) => {
  const { client, socket } = await refuse(t, HEAD, { idleMs: 60_000, totalMs: 60_000, maxBytes: 1024 ** 2 });
  client.on('error', () => {}); // that is what it gets

  client.write(Buffer.alloc(UPLOAD));
  await closed(socket);

  t.true(socket.destroyed);
});

test('a closed connection is not touched', async (t) => {
  const { socket } = await refuse(t, HEAD, {}, () => {});
  socket.destroy();
  const listeners = socket.listenerCount('close');

  socket.destroySoon();

  t.is(socket.listenerCount('close'), listeners);
});
