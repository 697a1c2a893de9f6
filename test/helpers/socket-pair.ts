import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { Peer } from './peer.ts';

/** Both sides of one connection: a socket for the code under test, and a peer for the test. Both are closed when the test ends. */
export async function socketPair(t: ExecutionContext): Promise<{ readonly socket: Socket; readonly peer: Peer }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  const socket = connect({ port, host: '127.0.0.1' });
  const [other] = (await accepted) as [Socket];
  server.close();
  t.teardown(() => {
    socket.destroy();
    other.destroy();
  });
  await once(socket, 'connect');
  return { socket, peer: new Peer(other) };
}
