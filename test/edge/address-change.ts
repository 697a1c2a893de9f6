import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** Starts a hop on this address that answers with the address. */
async function hopAt(t: ExecutionContext, address: string, port: number): Promise<number> {
  const server = createServer((_request, response) => response.end(address));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve));
  t.teardown(() => server.close().closeAllConnections());
  return (server.address() as { port: number }).port;
}

const PROMISE = 'a changed address of the hop is used, although connections to the old address still work';
const isRoot = process.getuid?.() === 0;
const run = isRoot ? test : test.skip;

run(isRoot ? PROMISE : `${PROMISE} (skipped: only root can give a process its own hosts file)`, async (t) => {
  const port = await hopAt(t, '127.0.0.1', 0);
  await hopAt(t, '127.0.0.2', port);
  const hosts = join(await siteFolder(t, { hosts: '127.0.0.1 next-hop\n' }), 'hosts');
  const running = await startNexthop(t, {
    env: { NEXT_HOP: `http://next-hop:${port}`, HOP_LOOKUP_INTERVAL: '100ms', HOSTS_FILE: hosts },
    under: ['unshare', '--mount', 'sh', '-c', 'mount --bind "$HOSTS_FILE" /etc/hosts && exec "$@"', 'sh'],
  });
  const get = async (): Promise<string> => (await fetch(`http://127.0.0.1:${running.port}/`)).text();
  t.is(await get(), '127.0.0.1');

  await writeFile(hosts, '127.0.0.2 next-hop\n');

  const deadline = Date.now() + PATIENCE_MS;
  while ((await get()) !== '127.0.0.2') t.true(Date.now() < deadline, 'requests still go to the old address');
});
