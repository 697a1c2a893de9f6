import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { scriptedHop } from '../helpers/peer.ts';

/** More bytes than all kernel buffers between client and hop hold together. */
const BODY_BYTES = 200_000_000;

/** Upper bound of the bytes in buffers between the two ends: far less than BODY_BYTES, far more than the buffers of the kernel and of Node. */
const MAX_BUFFERED = 40_000_000;

/** Writes `BODY_BYTES` bytes as fast as the socket accepts them. Resolves with the number of accepted bytes once none was accepted for 300 ms. */
async function writeUntilStuck(socket: import('node:net').Socket): Promise<number> {
  const piece = Buffer.alloc(256 * 1024, 97);
  let sent = 0;
  const send = (): void => {
    while (sent < BODY_BYTES && !socket.destroyed) {
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

test('nexthop stops reading from the hop while the client does not read', async (t) => {
  let sent = Promise.resolve(0);
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY_BYTES * 2}\r\n\r\n`);
    sent = writeUntilStuck(peer.socket);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readHead();

  client.socket.pause();
  await hop.connections(1);
  const stuckAt = await sent;

  t.true(stuckAt < MAX_BUFFERED, `${stuckAt} bytes were read from the hop`);
  client.socket.resume();
  await client.until(() => client.received.length > stuckAt, 'the rest');
});

test('nexthop stops reading from the client while the hop does not read', async (t) => {
  const hop = await scriptedHop(t, (peer) => void peer.socket.pause());
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY_BYTES * 2}\r\n\r\n`);

  const stuckAt = await writeUntilStuck(client.socket);

  t.true(stuckAt < MAX_BUFFERED, `${stuckAt} bytes were read from the client`);
  const [peer] = await hop.connections(1);
  peer?.socket.resume();
  await peer?.until(() => (peer?.received.length ?? 0) > stuckAt, 'the rest');
});
