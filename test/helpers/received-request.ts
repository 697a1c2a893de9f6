import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { ExecutionContext } from 'ava';
import type { IncomingRequest, RequestHandler } from '../../src/contract/http-message.ts';
import { ClientConnections } from '../../src/wire/client-connections.ts';
import { LIMITS, wireServer } from './wire-server.ts';

/**
 * Sends the text to a bare server and resolves with what `look` returns for the request, at the moment it is handed
 * out. Rejects with the fault if the request is refused.
 */
export async function receive<T>(t: ExecutionContext, text: string, look: (request: IncomingRequest) => T): Promise<T> {
  const looked = Promise.withResolvers<T>();
  const { handle, refuse } = lookingHandler(looked, look);
  const server = await wireServer(t, handle, { handler: { handle, refuse } });
  const peer = await server.connect();
  peer.write(text);
  return looked.promise;
}

/** Both sides have the same pre-shared key, so no certificate is needed. */
const SHARED_KEY = { psk: Buffer.from('a key for tests'), identity: 'test' };
const ENCRYPTION = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;

/** The same over TLS. */
export async function receiveEncrypted<T>(
  t: ExecutionContext,
  text: string,
  look: (request: IncomingRequest) => T,
): Promise<T> {
  const looked = Promise.withResolvers<T>();
  const connections = new ClientConnections({ ...LIMITS, encrypted: true, handler: lookingHandler(looked, look) });
  const server = createServer({ ...ENCRYPTION, allowHalfOpen: true, pskCallback: () => SHARED_KEY.psk }, (socket) =>
    connections.accept(socket),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect({
    ...ENCRYPTION,
    port: (server.address() as AddressInfo).port, // a TCP server has one
    host: '127.0.0.1',
    pskCallback: () => SHARED_KEY,
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => {}); // the server's side decides the test
  t.teardown(() => {
    socket.destroy();
    connections.destroy();
    server.close();
  });
  socket.write(text, 'latin1');
  return looked.promise;
}

function lookingHandler<T>(
  { resolve, reject }: PromiseWithResolvers<T>,
  look: (request: IncomingRequest) => T,
): RequestHandler {
  return {
    handle(request) {
      resolve(look(request));
    },
    refuse: (fault) => reject(fault),
  };
}
