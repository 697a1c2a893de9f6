import type { ExecutionContext } from 'ava';
import type { NodeView, PairOwner } from '../../src/contract/http-message.ts';
import { OWNER } from './node-servers.ts';
import type { Peer } from './peer.ts';
import { wireServer } from './wire-server.ts';

export function get(target: string, headers = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
}

export function post(target: string, body: string, headers = ''): string {
  return `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
}

/** Reads one response with a Content-Length. */
export async function readResponse(peer: Peer): Promise<{ readonly head: string; readonly body: string }> {
  const head = await peer.readHead();
  return { head, body: await peer.readBytes(Number(/^content-length: (\d+)/im.exec(head)?.[1])) };
}

/** A server that gives each request as a view to `handle`. */
export function viewServer(t: ExecutionContext, handle: (view: NodeView) => void, owner: Partial<PairOwner> = {}) {
  return wireServer(t, (request, response) => {
    const view = response.toNode(request, request.target, { ...OWNER, ...owner });
    response.listen({ drained() {}, closed() {} });
    handle(view);
  });
}
