import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { scriptedHop } from '../helpers/peer.ts';

/** More than every kernel buffer between the two ends together. */
const MUCH = 200_000_000;

/** Far less than MUCH, far more than the kernel's and Node's buffers: what may be on the way. */
const ON_THE_WAY = 40_000_000;

/** Writes `MUCH` bytes as fast as they are taken; resolves when nothing more was taken for a while, with how many were. */
async function writeUntilStuck(socket: import('node:net').Socket): Promise<number> {
  const piece = Buffer.alloc(256 * 1024, 97);
  let sent = 0;
  const send = (): void => {
    while (sent < MUCH && !socket.destroyed) {
      sent += piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on('drain', send);
  send();
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  return sent;
}

test('a client that does not read holds the hop back', async (t) => {
  let sent = Promise.resolve(0);
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${MUCH * 2}\r\n\r\n`);
    sent = writeUntilStuck(peer.socket);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readHead();

  client.socket.pause();
  await hop.connections(1);
  const stuckAt = await sent;

  t.true(stuckAt < ON_THE_WAY, `${stuckAt} bytes were taken from the hop`);
  client.socket.resume();
  await client.until(() => client.received.length > stuckAt, 'the rest');
});

test('a hop that does not read holds the client back', async (t) => {
  const hop = await scriptedHop(t, (peer) => void peer.socket.pause());
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${MUCH * 2}\r\n\r\n`);

  const stuckAt = await writeUntilStuck(client.socket);

  t.true(stuckAt < ON_THE_WAY, `${stuckAt} bytes were taken from the client`);
  const [peer] = await hop.connections(1);
  peer?.socket.resume();
  await peer?.until(() => (peer?.received.length ?? 0) > stuckAt, 'the rest');
});
