import type { ExecutionContext } from 'ava';
import { Exchange } from '../../src/contract/exchange.ts';
import { PendingWork } from '../../src/contract/pending-work.ts';
import { identify } from '../../src/http/client.ts';
import { RequestIds } from '../../src/http/request-id.ts';
import type { Peer } from './peer.ts';
import { wireServer } from './wire-server.ts';

export interface ServedExchange {
  readonly exchange: Exchange;
  /** The client's side of the connection. */
  readonly peer: Peer;
}

/**
 * Sends the bytes (latin1) of one request to a server of its own, all of whose peers are trusted, and resolves
 * with the Exchange of the request. The test answers with `exchange.response`. Closed when the test ends.
 */
export async function withExchange(
  t: ExecutionContext,
  requestBytes: string,
  startedAtMs = performance.now(),
): Promise<ServedExchange> {
  let resolve: (exchange: Exchange) => void = () => {};
  const made = new Promise<Exchange>((resolveMade) => {
    resolve = resolveMade;
  });
  const server = await wireServer(
    t,
    (request, response) => {
      const client = identify(request, () => true);
      const pendingWork = new PendingWork((error) => t.log(String(error)));
      const requestId = new RequestIds().of(request);
      const onClosed = () => {};
      const exchange = new Exchange({ request, response, client, requestId, pendingWork, startedAtMs, onClosed });
      response.listen(exchange);
      resolve(exchange);
    },
    { maxHeadBytes: 64 * 1024 },
  );
  const peer = await server.connect();
  peer.write(requestBytes);
  return { exchange: await made, peer };
}
