import type { Socket } from 'node:net';

/**
 * What a client has sent behind its request for an upgrade, `head` first, as node:http would hand it out; the socket is then as node:http hands it out, too:
 * neither flowing nor paused, so that whoever listens to its data gets them.
 */
export function takeHead(socket: Socket, head: Buffer): Buffer {
  const rest: Buffer | null = socket.read();
  // The types take it for read-only; Node itself sets it (_http_server.js, onParserExecuteCommon).
  (socket as { readableFlowing: boolean | null }).readableFlowing = null;
  return rest ? Buffer.concat([head, rest]) : head;
}
