import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { runNexthop } from '../helpers/process.ts';

for (const [status, hint] of [
  [503, ''],
  [502, '; give this command the PORT and READY_PATH of the server'],
] as const) {
  test(`nexthop health names the path and the port that answered ${status}`, async (t) => {
    const server = createServer((_, response) => response.writeHead(status).end());
    t.teardown(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const { port } = server.address() as AddressInfo; // it listens on a port
    const running = await runNexthop(t, { args: ['health'], env: { PORT: String(port), READY_PATH: '/ready' } });

    t.is(await running.exited, 1);
    t.is(running.output(), `not ready: /ready on PORT ${port} answers ${status}${hint}\n`);
  });
}
