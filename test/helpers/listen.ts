import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';

/** Binds the server to a free port of the loopback interface and resolves with its URL. The server ends with the test. */
export async function listen(t: ExecutionContext, server: Server): Promise<string> {
  return `http://127.0.0.1:${await listenOnPort(t, server)}`;
}

/** The same; resolves with the port. */
export async function listenOnPort(t: ExecutionContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port; // a TCP server has one
}
