import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type LingerLimits, lingerOnClose } from '../../src/http/linger.ts';

interface Refusal {
  readonly client: Socket;
  /** The server's socket of the connection. */
  readonly socket: Socket;
  /** Targets of the requests that reached the handler. */
  readonly targets: readonly string[];
  /** The `clientError` events of node:http. */
  readonly clientErrors: readonly Error[];
}

const UPLOAD = 10 * 1024 ** 2;
const HEAD = `POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${UPLOAD}\r\n\r\n`;

/**
 * Sends `text` to a server that answers every request with 413 and then closes by lingering.
 * Resolves at the first request.
 */
async function refuse(
  t: ExecutionContext,
  text: string,
  limits: Partial<LingerLimits> = {},
  answer: (response: ServerResponse) => void = refuseAtOnce,
): Promise<Refusal> {
  const targets: string[] = [];
  const clientErrors: Error[] = [];
  const server = createServer((request, response) => {
    targets.push(request.url ?? '');
    lingerOnClose(request.socket, limits);
    answer(response);
  });
  server.on('clientError', (error) => clientErrors.push(error));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has a port
  // Half-open: the client still sends after the server has ended its side, like clients that read
  // only after the last byte is sent.
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.teardown(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  client.write(text);
  const [request] = await once(server, 'request');
  return { client, socket: request.socket, targets, clientErrors };
}

function refuseAtOnce(response: ServerResponse): void {
  response.writeHead(413, ['Content-Length', '9', 'Connection', 'close']).end('too large');
}

/** Sends the whole body, then reads the response. */
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

/** Resolves when the socket is closed. Its errors do not reject. */
async function closed(socket: Socket): Promise<void> {
  await new Promise((resolve) => socket.once('close', resolve));
}

test('a client that sends 10 MB before it reads gets the response that refused it', async (t) => {
  const { client } = await refuse(t, HEAD);

  t.regex(await uploadThenRead(client), /^HTTP\/1\.1 413 .*too large$/s);
});

test('a client whose body the server stopped reading gets the response', async (t) => {
  const { client } = await refuse(t, HEAD, {}, (response) => {
    const stopped = () => refuseAtOnce(response);
    response.req.once('data', () => response.req.pause());
    response.req.socket.once('pause', stopped);
  });

  t.regex(await uploadThenRead(client), /^HTTP\/1\.1 413 .*too large$/s);
});

test('a client whose body was never read gets the response', async (t) => {
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

test('the connection of a client that ends its upload early is closed immediately, without a client error', async (t) => {
  const { client, socket, clientErrors } = await refuse(t, HEAD, { idleMs: 60_000, totalMs: 60_000 });

  client.end();
  await closed(socket);

  t.deepEqual(clientErrors, []);
});

test('a client that resets the connection causes no client error', async (t) => {
  const { client, socket, clientErrors } = await refuse(t, HEAD, { idleMs: 60_000, totalMs: 60_000 });

  await once(client.resume(), 'end');
  client.resetAndDestroy();
  await closed(socket);

  t.deepEqual(clientErrors, []);
});

test('the connection of a client that sends nothing is closed after the idle time', async (t) => {
  const { socket } = await refuse(t, HEAD, { idleMs: 50, totalMs: 60_000 });

  await closed(socket);

  t.true(socket.destroyed);
});

test('the connection of a client that keeps sending a little is closed after the total time', async (t) => {
  const { client, socket } = await refuse(t, HEAD, { idleMs: 60_000, totalMs: 100 });
  client.on('error', () => {}); // it still sends after the server has closed
  const trickle = setInterval(() => client.write('a'), 10);
  t.teardown(() => clearInterval(trickle));

  await closed(socket);

  t.true(socket.destroyed);
});

test('every received byte restarts the idle time', async (t) => {
  const { client, socket } = await refuse(t, HEAD, { idleMs: 150, totalMs: 600 });
  const startedAt = performance.now();
  client.on('error', () => {}); // it still sends after the server has closed
  const trickle = setInterval(() => client.write('a'), 10);
  t.teardown(() => clearInterval(trickle));

  await closed(socket);

  t.true(performance.now() - startedAt > 400);
});

test('the connection of a client that sends too much is closed', async (t) => {
  const { client, socket } = await refuse(t, HEAD, { idleMs: 60_000, totalMs: 60_000, maxBytes: 1024 ** 2 });
  client.on('error', () => {}); // the reset is expected

  client.write(Buffer.alloc(UPLOAD));
  await closed(socket);

  t.true(socket.destroyed);
});

test('lingering adds no listener to a closed connection', async (t) => {
  const { socket } = await refuse(t, HEAD, {}, () => {});
  socket.destroy();
  const listeners = socket.listenerCount('close');

  socket.destroySoon();

  t.is(socket.listenerCount('close'), listeners);
});
