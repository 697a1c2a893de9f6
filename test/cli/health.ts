import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { runNexthop, startNexthop } from '../helpers/process.ts';

interface Answer {
  readonly status: number;
  readonly text?: string;
}

/** A server that answers every request like this. Resolves with its port. */
async function answering(t: ExecutionContext, { status, text = '' }: Answer): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(text));
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return String((server.address() as AddressInfo).port); // it listens on a port
}

const HINT = '; give this command the PORT and READY_PATH of the server';
const ELSE = ', but a site, a next hop or another server does';

for (const [title, answer, reason] of [
  ['503', { status: 503 }, '503'],
  ['502', { status: 502 }, `502${HINT}`],
  ['200 with a page', { status: 200, text: 'x'.repeat(1_000_000) }, `200${ELSE}${HINT}`],
  ['200 without a text', { status: 200 }, `200${ELSE}${HINT}`],
] as const) {
  test(`nexthop health names the path and the port that answered ${title}`, async (t) => {
    const PORT = await answering(t, answer);
    const running = await runNexthop(t, { args: ['health'], env: { PORT, READY_PATH: '/ready' } });

    t.is(await running.exited, 1);
    t.is(running.output(), `not ready: /ready on PORT ${PORT} answers ${reason}\n`);
  });
}

test('nexthop health takes no 200 of the next hop for that of the server', async (t) => {
  const hop = await answering(t, { status: 200, text: 'ready\n' });
  const NEXT_HOP = `http://localhost:${hop}`;
  const server = await startNexthop(t, { env: { READY_PATH: '/own', NEXT_HOP } });
  const ask = (READY_PATH: string) =>
    runNexthop(t, { args: ['health'], env: { PORT: String(server.port), READY_PATH } });

  t.is(await (await ask('/own')).exited, 0);
  const other = await ask('/other');
  t.is(await other.exited, 1);
  t.regex(other.output(), /^not ready: \/other on PORT \d+ answers 508; give this command the PORT and READY_PATH/);
});
