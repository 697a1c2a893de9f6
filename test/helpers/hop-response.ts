import type { ExecutionContext } from 'ava';
import { startEdge } from './edge.ts';
import { scriptedHop } from './peer.ts';

/** The end of a request head. */
export const CLOSE = 'Connection: close\r\n\r\n';

/**
 * What a client receives when the hop answers its request with these bytes and then keeps or ends
 * the connection.
 */
export async function answerOf(
  t: ExecutionContext,
  bytes: string,
  { request = `GET / HTTP/1.1\r\nHost: a\r\n${CLOSE}`, end = false } = {},
): Promise<string> {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(bytes);
    if (end) peer.end();
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  return edge.exchange(request);
}
