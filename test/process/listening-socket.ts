import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'ava';
import { openListeningSocket } from '../../src/process/listening-socket.ts';
import { listen } from '../helpers/listen.ts';

const SERVER = `require('node:http').createServer((_, response) => response.writeHead(204).end())
  .listen({ fd: 3 }, () => process.stdout.write('listens'));`;

test('a bound socket refuses connections until another server listens on its descriptor', async (t) => {
  const socket = await openListeningSocket({ host: '127.0.0.1', port: 0 });
  t.teardown(() => socket.close());
  const request = () => fetch(`http://127.0.0.1:${socket.port}/`);
  await t.throwsAsync(request());

  const child = spawn(process.execPath, ['--eval', SERVER], { stdio: ['ignore', 'pipe', 'inherit', socket.fd] });
  t.teardown(() => child.kill('SIGKILL'));
  if (child.stdout) await once(child.stdout, 'data');

  t.is((await request()).status, 204);
});

test('a port that another server has is refused with the error of listen', async (t) => {
  const port = Number(new URL(await listen(t, createServer())).port);

  await t.throwsAsync(openListeningSocket({ host: '127.0.0.1', port }), {
    code: 'EADDRINUSE',
    message: /listen EADDRINUSE: 127\.0\.0\.1:\d+/,
  });
});

test('an address that this machine does not have is refused', async (t) => {
  await t.throwsAsync(openListeningSocket({ host: '192.0.2.1', port: 0 }), { code: 'EADDRNOTAVAIL' });
});

test('without a host all interfaces are bound', async (t) => {
  const socket = await openListeningSocket({ host: '', port: 0 });
  t.teardown(() => socket.close());

  t.true(socket.port > 0);
  t.true(socket.fd > 2);
});
