import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port of this machine on which nothing listens, for a program that cannot take one by itself. Somebody else may be faster. */
export async function freePort(highest = 65_535): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number }; // it listens on a port
    server.close();
    await once(server, 'close');
    if (port <= highest) return port;
  }
}
