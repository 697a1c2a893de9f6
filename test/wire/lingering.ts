import test from 'ava';
import type { ResponseSink } from '../../src/contract/http-message.ts';
import { until } from '../helpers/until.ts';
import { type WireServer, wireServer } from '../helpers/wire-server.ts';

const UPLOAD = 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n';

/** Refuses each upload before it reads any of it. */
function refuse(_request: unknown, response: ResponseSink): void {
  response.head(413, 'Too Large', []);
  response.end('too large');
}

async function isLeft(server: WireServer): Promise<void> {
  await until(() => server.connections.size === 0, 'the connection to be closed');
}

test('no request after the last response is read', async (t) => {
  const server = await wireServer(t, refuse);
  const peer = await server.connect();
  peer.write(UPLOAD);
  await peer.readUntil('too large');

  peer.end('DELETE /all HTTP/1.1\r\nHost: a\r\n\r\n');
  await isLeft(server);

  t.deepEqual(server.handled, ['POST /upload']);
  t.deepEqual(server.refused, []);
});

test('the connection of a client that aborts its upload is closed at once', async (t) => {
  for (const leave of ['end', 'reset'] as const) {
    // On a loaded machine a single try may take longer for other reasons.
    let tookMs = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 20 && tookMs >= 1900; tries++) {
      const server = await wireServer(t, refuse);
      const peer = await server.connect();
      peer.write(UPLOAD);
      await peer.readUntil('too large');
      const startedAt = performance.now();
      peer[leave]();
      await isLeft(server);
      tookMs = performance.now() - startedAt;
    }

    t.true(tookMs < 1900, 'before the limit for silence is over');
  }
});

test('the connection of a client that sends nothing more is closed after the limit for silence', async (t) => {
  const server = await wireServer(t, refuse);
  const peer = await server.connect();
  peer.socket.allowHalfOpen = true;
  peer.write(UPLOAD);
  await peer.readUntil('too large');
  const startedAt = performance.now();

  await isLeft(server);

  t.true(performance.now() - startedAt > 1500);
});

test('the connection of a client that keeps sending single bytes is closed after the longer limit', async (t) => {
  const server = await wireServer(t, refuse);
  const peer = await server.connect();
  peer.socket.allowHalfOpen = true;
  peer.write(UPLOAD);
  await peer.readUntil('too large');
  peer.socket.on('error', () => {}); // it still writes after its connection is closed
  const trickle = setInterval(() => peer.write('a'), 50);
  t.teardown(() => clearInterval(trickle));
  const startedAt = performance.now();

  await isLeft(server);

  t.true(performance.now() - startedAt > 4000, 'each byte restarts the limit for silence');
});
