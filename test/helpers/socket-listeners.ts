import { Socket } from 'node:net';

/** The number of listeners on all connections to a port of this process. */
export function listenersOn(port: number): number {
  // Node lists open sockets nowhere else.
  const { _getActiveHandles } = process as unknown as { _getActiveHandles(): readonly object[] };
  const sockets = _getActiveHandles().filter(
    (each): each is Socket => each instanceof Socket && each.localPort === port,
  );
  const counts = sockets.flatMap((socket) => socket.eventNames().map((name) => socket.listenerCount(name)));
  return counts.reduce((sum, count) => sum + count, 0);
}
