import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { PATIENCE_MS } from './patience.ts';

/** The other side closed the connection before the awaited bytes arrived. */
export class PeerClosed extends Error {}

/** One side of a connection, client or hop, that sends and receives bytes as latin1 strings. */
export class Peer {
  readonly socket: Socket;
  /** All received bytes, including those that were read. */
  received = '';
  ended = false;
  /** How the connection closed: 'end' normally, 'reset' by RST or destroy of the other side. */
  closed: 'end' | 'reset' | undefined;
  #readAt = 0;
  /** The chunk that was received last. */
  #latest = '';
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      this.#latest = text;
      this.#wake();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#wake();
    });
    socket.on('error', () => {
      this.closed = 'reset';
    });
    socket.on('close', () => {
      this.closed ??= 'end';
      this.#wake();
    });
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Sends the text and FIN. */
  end(text = ''): void {
    this.socket.end(text, 'latin1');
  }

  /** Ends the connection by RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Resolves with the bytes up to `mark`, inclusive. */
  async readUntil(mark: string): Promise<string> {
    let at = this.received.indexOf(mark, this.#readAt);
    // Only new bytes are searched: a search of all of them at each chunk takes seconds for large bodies.
    let tail = this.rest.slice(-mark.length);
    let seen = this.received.length;
    const isFound = (): boolean => {
      if (at < 0 && this.received.length > seen) {
        const fresh = tail + this.#latest;
        const index = fresh.indexOf(mark);
        if (index >= 0) at = seen - tail.length + index;
        tail = fresh.slice(-mark.length);
        seen = this.received.length;
      }
      return at >= 0 || this.#isOver;
    };
    await this.until(isFound, `"${mark.trim()}"`);
    if (at < 0)
      throw new PeerClosed(
        `the connection closed before ${JSON.stringify(mark)} came; rest: ${JSON.stringify(this.rest)}`,
      );
    return this.#take(at + mark.length - this.#readAt);
  }

  /** Resolves with the next `count` bytes. */
  async readBytes(count: number): Promise<string> {
    const length = (): number => this.received.length - this.#readAt;
    await this.until(() => length() >= count || this.#isOver, `${count} bytes`);
    if (length() < count) throw new PeerClosed(`the connection closed after ${length()} of ${count} bytes`);
    return this.#take(count);
  }

  /** Resolves with a message's head, including its empty line. */
  async readHead(): Promise<string> {
    return this.readUntil('\r\n\r\n');
  }

  /** Resolves with all bytes up to the end of the connection. */
  async readToEnd(): Promise<string> {
    await this.until(() => this.#isOver, 'the end of the connection');
    return this.#take(this.rest.length);
  }

  /** Received bytes that were not read. */
  get rest(): string {
    return this.received.slice(this.#readAt);
  }

  /** Resolves when the condition is true. It is checked whenever bytes arrive. */
  async until(condition: () => boolean, what = 'a condition'): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`waited ${PATIENCE_MS} ms for ${what}; rest: ${JSON.stringify(this.rest.slice(0, 400))}`));
      }, PATIENCE_MS);
      const look = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  get #isOver(): boolean {
    return this.ended || this.closed !== undefined;
  }

  #take(count: number): string {
    const taken = this.received.slice(this.#readAt, this.#readAt + count);
    this.#readAt += count;
    return taken;
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }
}

/** Connects to a port of this machine. Closed when the test ends. */
export async function connectTo(t: ExecutionContext, port: number): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const peer = new Peer(socket);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return peer;
}

export interface ScriptedHop {
  readonly port: number;
  /** For the setting NEXT_HOP. */
  readonly url: string;
  /** Every connection so far, in order. */
  readonly peers: readonly Peer[];
  readonly server: Server;
  /** Resolves when there are at least `count` connections. */
  connections(count: number): Promise<readonly Peer[]>;
}

/** Starts a hop that runs a script for each connection. Closed when the test ends. An error of a script fails the test. */
export async function scriptedHop(
  t: ExecutionContext,
  script: (peer: Peer, index: number) => Promise<void> | void,
): Promise<ScriptedHop> {
  const peers: Peer[] = [];
  const arrivals = new Set<() => void>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, async (socket) => {
    const peer = new Peer(socket);
    peers.push(peer);
    for (const arrived of arrivals) arrived();
    try {
      await script(peer, peers.length - 1);
    } catch (error) {
      // Most scripts wait for another request when the test ends.
      if (!(error instanceof PeerClosed)) t.log(`the hop's script: ${error}`);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const { socket } of peers) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    peers,
    server,
    async connections(count) {
      while (peers.length < count) {
        await new Promise<void>((resolve) => {
          const arrived = (): void => {
            arrivals.delete(arrived);
            resolve();
          };
          arrivals.add(arrived);
        });
      }
      return peers;
    },
  };
}
