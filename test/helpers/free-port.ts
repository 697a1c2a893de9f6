import { once } from 'node:events';
import { createServer } from 'node:net';

/** A free port of this machine, for a program that cannot choose one itself. Another process may take it first. */
export async function freePort(highest = 65_535): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number }; // a TCP server has a port
    server.close();
    await once(server, 'close');
    if (port <= highest) return port;
  }
}
