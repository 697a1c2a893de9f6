import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { ExecutionContext } from 'ava';

/**
 * A port of this machine that refuses connections until the test ends. It is the client side of an open connection: no process listens on it, and the
 * system gives it to no other process, unlike a port that was free before.
 */
export async function refusingPort(t: ExecutionContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has a port
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  t.teardown(() => {
    socket.destroy();
    server.close();
  });
  return (socket.address() as AddressInfo).port;
}
