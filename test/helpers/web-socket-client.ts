import type { ExecutionContext } from 'ava';

export interface WebSocketClient {
  readonly socket: WebSocket;
  /** Resolves with the next message: a string, or bytes as latin1. Rejects if the socket closes before. */
  next(): Promise<string>;
  /** Resolves when the socket is closed, as 'code reason'. */
  readonly closed: Promise<string>;
}

/** Connects a WebSocket of Node. Closed when the test ends. Rejects if the handshake is refused. */
export async function connectWebSocket(
  t: ExecutionContext,
  url: string,
  protocols: string[] = [],
): Promise<WebSocketClient> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols);
  socket.binaryType = 'arraybuffer';
  t.teardown(() => socket.close());
  const messages: string[] = [];
  let wake: () => void = () => {};
  socket.addEventListener('message', ({ data }) => {
    messages.push(typeof data === 'string' ? data : Buffer.from(data).toString('latin1'));
    wake();
  });
  const closed = new Promise<string>((resolve) => {
    socket.addEventListener('close', ({ code, reason }) => resolve(`${code} ${reason}`));
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new Error('the handshake was refused')));
  });
  async function next(): Promise<string> {
    while (messages.length === 0) {
      const came = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const early = closed.then((how) => Promise.reject(new Error(`closed with ${how}`)));
      await Promise.race([came, early]);
    }
    return messages.shift() ?? '';
  }
  return { socket, next, closed };
}
