import { request as httpRequest } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Pool } from 'undici';
import { Fault, type FaultCode } from '../../src/contract/fault.ts';
import { isRefused, toHopFault } from '../../src/hop/errors.ts';

/** Listens on a free port, calls `serve` for each connection, and resolves with the port. */
async function listen(t: ExecutionContext, serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {}); // the reset by the peer is part of the test
    serve(socket);
  });
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port; // a TCP server has a port
}

function errorOfNode(port: number): Promise<unknown> {
  return new Promise((resolve) => {
    httpRequest({ host: '127.0.0.1', port, agent: false }).on('error', resolve).on('response', resolve).end();
  });
}

async function errorOfUndici(t: ExecutionContext, port: number): Promise<unknown> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { headersTimeout: 100 });
  t.teardown(() => pool.destroy());
  return await t.throwsAsync(pool.request({ path: '/', method: 'GET' }));
}

function withCode(code: string): Error {
  return Object.assign(new Error(`it failed: ${code}`), { code });
}

const CODES: readonly [FaultCode, readonly string[]][] = [
  ['hop_unreachable', ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']],
  ['hop_timeout', ['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']],
  ['hop_reset', ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']],
  ['hop_bad_answer', ['HPE_INVALID_HEADER_TOKEN', 'HPE_HEADER_OVERFLOW', 'UND_ERR_HEADERS_OVERFLOW']],
  ['draining', ['UND_ERR_DESTROYED', 'UND_ERR_CLOSED']],
];

for (const [fault, codes] of CODES) {
  for (const code of codes) {
    test(`${code} becomes the fault ${fault}, with the error as its cause`, (t) => {
      const error = withCode(code);

      const { code: found, cause, message } = toHopFault(error);

      t.is(found, fault);
      t.is(cause, error);
      t.is(message, error.message);
    });
  }
}

test('a port without a listener becomes hop_unreachable, from node:http and from undici', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server has a port
  await new Promise((resolve) => server.close(resolve));

  for (const error of [await errorOfNode(port), await errorOfUndici(t, port)]) {
    t.is(toHopFault(error).code, 'hop_unreachable');
    t.true(isRefused(error));
  }
});

const BROKEN: readonly [string, FaultCode, (socket: Socket) => void][] = [
  ['a connection closed before the head', 'hop_reset', (socket) => socket.once('data', () => socket.end())],
  ['a connection reset before the head', 'hop_reset', (socket) => socket.once('data', () => socket.resetAndDestroy())],
  ['a connection closed in the middle of the head', 'hop_reset', (socket) => socket.end('HTTP/1.1 200 OK\r\nA: ')],
  ['an answer that is not HTTP', 'hop_bad_answer', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')],
  ['an invalid header name', 'hop_bad_answer', (socket) => socket.end('HTTP/1.1 200 OK\r\nA B: c\r\n\r\n')],
  ['an endless head', 'hop_bad_answer', (socket) => socket.write(`HTTP/1.1 200 OK\r\nA: ${'a'.repeat(200_000)}`)],
];

for (const [what, fault, serve] of BROKEN) {
  test(`${what} becomes ${fault}, from node:http and from undici`, async (t) => {
    const port = await listen(t, serve);

    t.is(toHopFault(await errorOfNode(port)).code, fault);
    t.is(toHopFault(await errorOfUndici(t, port)).code, fault);
  });
}

test('an upgrade that was not requested becomes hop_bad_answer, although undici reports a socket error', async (t) => {
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n';
  const port = await listen(t, (socket) => socket.once('data', () => socket.write(switching)));

  t.is(toHopFault(await errorOfUndici(t, port)).code, 'hop_bad_answer');
});

test('several addresses that all refuse become hop_unreachable', (t) => {
  const error = new AggregateError([withCode('ECONNREFUSED'), withCode('ENETUNREACH')]);

  t.is(toHopFault(error).code, 'hop_unreachable');
});

test('isRefused is true when an address refused the connection, and for no other error', (t) => {
  t.true(isRefused(new AggregateError([withCode('ENETUNREACH'), withCode('ECONNREFUSED')])));
  t.false(isRefused(new AggregateError([withCode('ENETUNREACH')])));
  t.false(isRefused(withCode('ECONNRESET')));
  t.false(isRefused(undefined));
});

test('several addresses of which one did not answer in time become hop_timeout', (t) => {
  const error = new AggregateError([withCode('ENETUNREACH'), withCode('ETIMEDOUT')]);

  t.is(toHopFault(error).code, 'hop_timeout');
});

test('a Fault is returned unchanged', (t) => {
  const fault = new Fault('hop_busy');

  t.is(toHopFault(fault), fault);
});

test('an error that has nothing to do with a connection becomes internal, a fault of nexthop', (t) => {
  t.is(toHopFault(new TypeError('x is not a function')).code, 'internal');
  t.is(toHopFault(withCode('ERR_INVALID_ARG_TYPE')).code, 'internal');
  t.is(toHopFault('a thrown string').message, 'a thrown string');
});
