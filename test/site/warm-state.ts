import { once } from 'node:events';
import { createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** A driver like those of MySQL: a pool opens connections at its first query and keeps them. */
const DRIVER = `const { connect } = require('node:net');
  class Pool {
    #port; #idle = [];
    constructor({ port }) { this.#port = port; }
    async query(text) {
      const socket = this.#idle.pop() ?? connect(this.#port, '127.0.0.1');
      socket.write(text + '\\n');
      const answer = await new Promise((resolve, reject) => socket.once('data', resolve).once('error', reject));
      this.#idle.push(socket);
      return [String(answer).trim()];
    }
  }
  exports.createPool = (options) => new Pool(options);`;

const POOL = `import mysql from 'fake-mysql';
  let pool = null;
  export function getPool() { return pool ??= mysql.createPool({ port: Number(process.env.DB_PORT) }); }`;

const QUERY = (path: string) => `import { getPool } from '${path}';
  export async function onRequestGet() { const [row] = await getPool().query('SELECT 1'); return Response.json({ row }); }`;

test('a connection pool stays open between requests, and functions share it', async (t) => {
  const database = await serveDatabase(t);
  const site = await siteFolder(t, {
    '.env': `DB_PORT=${database.port}`,
    'node_modules/fake-mysql/package.json': '{"name": "fake-mysql", "main": "index.js"}',
    'node_modules/fake-mysql/index.js': DRIVER,
    'lib/db.js': POOL,
    'cloud-functions/users/index.js': QUERY('../../lib/db'),
    'cloud-functions/orders.ts': QUERY('../lib/db.js'),
  });
  const { url } = await startEdge(t, { site });

  for (const path of ['/users', '/orders', '/users', '/orders', '/users']) {
    t.deepEqual(await (await fetch(url + path)).json(), { row: 'SELECT 1' });
  }

  t.deepEqual(database.seen, { connections: 1, queries: 5 });
});

test('each of a hundred functions is evaluated once, and so are the modules that they share', async (t) => {
  const names = Array.from({ length: 100 }, (_, index) => `f${index}`);
  const functions = names.map((name) => [
    `cloud-functions/${name}.ts`,
    `import { count } from '../shared'; const own = count('own'); export const onRequest = () => [own, count.shared];`,
  ]);
  const site = await siteFolder(t, {
    'shared.ts': `const counts: Record<string, number> = globalThis.evaluations ??= { shared: 0, own: 0 };
      counts.shared++;
      export function count(what: string): number { return ++counts[what]; }
      count.shared = counts.shared;`,
    ...Object.fromEntries(functions),
  });
  const { url } = await startEdge(t, { site });

  const answers = await Promise.all(names.map(async (name) => (await fetch(`${url}/${name}`)).json()));
  const again = await (await fetch(`${url}/f0`)).json();

  const numbers = names.map((_, index) => index + 1);
  t.deepEqual(
    (answers as [number, number][]).sort(([one], [other]) => one - other),
    numbers.map((number) => [number, 1]),
  );
  t.deepEqual((again as [number, number])[1], 1);
});

interface Database {
  readonly port: number;
  readonly seen: { connections: number; queries: number };
}

/** Starts a server that sends each line back. Closed when the test ends. */
async function serveDatabase(t: ExecutionContext): Promise<Database> {
  const seen = { connections: 0, queries: 0 };
  const server = createServer((socket) => {
    seen.connections++;
    t.teardown(() => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (text) => {
      seen.queries++;
      socket.write(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number }; // a TCP server has a port
  return { port, seen };
}
