import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { Exchange } from '../../src/contract/exchange.ts';
import { PendingWork } from '../../src/contract/pending-work.ts';
import { identify } from '../../src/http/client.ts';
import { RequestIds } from '../../src/http/request-id.ts';
import { connectTo, type Peer } from './peer.ts';

export interface ServedExchange {
  readonly exchange: Exchange;
  /** The client's side of the connection. */
  readonly peer: Peer;
}

/**
 * Sends the bytes (latin1) of one request to a new node:http server that trusts all peers. Resolves
 * with the Exchange of the request. The test answers with `exchange.response`. Closed when the test ends.
 */
export async function withExchange(t: ExecutionContext, requestBytes: string): Promise<ServedExchange> {
  const server = createServer();
  const made = new Promise<Exchange>((resolve) => {
    server.on('request', (request, response) => {
      const client = identify(request, () => true);
      const pendingWork = new PendingWork((error) => t.log(String(error)));
      const requestId = new RequestIds().of(request);
      const startedAtMs = performance.now();
      resolve(new Exchange({ request, response, client, requestId, pendingWork, startedAtMs, bodyLimitBytes: 0 }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const peer = await connectTo(t, (server.address() as AddressInfo).port); // a TCP server has a port
  peer.write(requestBytes);
  return { exchange: await made, peer };
}
