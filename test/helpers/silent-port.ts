import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { ExecutionContext } from 'ava';

/** Listens and never accepts, so that the kernel's short queue fills up. */
const LISTENER = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** Longer than a connection on this machine takes. If one takes longer, the queue is full. */
const CONNECT_MS = 300;

/** A port of this machine on which connections are neither accepted nor refused. Closed when the test ends. */
export async function silentPort(t: ExecutionContext): Promise<number> {
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
  socket.on('error', () => {}); // the teardown destroys it while it connects
  return Promise.race([once(socket, 'connect').then(() => true), delay(CONNECT_MS, false)]);
}
