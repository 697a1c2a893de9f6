import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { ExecutionContext } from 'ava';

/** Listens and then never comes back to accept, so that the kernel's short queue fills up. */
const LISTENER = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** Longer than any connection on this machine takes; after it a port counts as deaf. */
const CONNECT_MS = 300;

/** A port of this machine on which a connection is neither taken nor refused. Closed when the test ends. */
export async function deafPort(t: ExecutionContext): Promise<number> {
  const worker = new Worker(LISTENER, { eval: true });
  t.teardown(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    t.teardown(() => socket.destroy());
    if (!(await connects(socket))) return port;
  }
}

async function connects(socket: Socket): Promise<boolean> {
  socket.on('error', () => {}); // destroyed by the teardown while it still tries
  return Promise.race([once(socket, 'connect').then(() => true), delay(CONNECT_MS, false)]);
}
