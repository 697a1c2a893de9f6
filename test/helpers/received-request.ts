import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createEncryptedServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { connect as connectEncrypted } from 'node:tls';
import type { ExecutionContext } from 'ava';

/**
 * Sends the text to a node:http server, calls `look` with the request in its 'request' event, and resolves with the result.
 * Rejects with the parser's error if Node refuses the text. Works for CONNECT requests, too.
 */
export async function receive<T>(t: ExecutionContext, text: string, look: (request: IncomingMessage) => T): Promise<T> {
  const server = createServer({ requireHostHeader: false });
  const port = await listen(t, server);
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {}); // the server's side decides the test
  t.teardown(() => socket.destroy());
  socket.write(text, 'latin1');
  return lookAtFirst(server, look);
}

/** Both sides have the same pre-shared key, so no certificate is needed. */
const SHARED_KEY = { psk: Buffer.from('a key for tests'), identity: 'test' };
const ENCRYPTION = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;

/** The same over TLS. */
export async function receiveEncrypted<T>(
  t: ExecutionContext,
  text: string,
  look: (request: IncomingMessage) => T,
): Promise<T> {
  const server = createEncryptedServer({ ...ENCRYPTION, pskCallback: () => SHARED_KEY.psk });
  const port = await listen(t, server);
  const socket = connectEncrypted({
    ...ENCRYPTION,
    port,
    host: '127.0.0.1',
    pskCallback: () => SHARED_KEY,
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => {}); // the server's side decides the test
  t.teardown(() => socket.destroy());
  socket.write(text, 'latin1');
  return lookAtFirst(server, look);
}

async function listen(t: ExecutionContext, server: Server): Promise<number> {
  server.listen(0);
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port; // a TCP server has a port
}

async function lookAtFirst<T>(server: Server, look: (request: IncomingMessage) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const show = (request: IncomingMessage): void => resolve(look(request));
    server.on('request', show).on('connect', show).on('clientError', reject).on('tlsClientError', reject);
  });
}
