import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { ExecutionContext } from 'ava';

/**
 * A port of this machine that refuses connections until the test ends. It is the near end of an open connection: nobody listens there, and
 * nobody else is given it, as would happen to one that was free a moment ago.
 */
export async function deadPort(t: ExecutionContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  t.teardown(() => {
    socket.destroy();
    server.close();
  });
  return (socket.address() as AddressInfo).port;
}
