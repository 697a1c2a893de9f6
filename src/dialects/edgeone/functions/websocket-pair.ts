import type { FunctionSocket, SocketData, SocketTalker } from '../../../contract/upgrade.ts';

/** What is used of a socket of the package `ws`. */
interface OpenSocket {
  readonly readyState: number;
  send(data: unknown): void;
  close(code: number | undefined, reason: string | undefined): void;
}

type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };

/** The pair of each response that a function may return. */
const PAIRS = new WeakMap<object, PairSocket>();

/**
 * The global with which a cloud function opens a WebSocket: it listens on `socket`, and returns
 * `response`.
 */
class WebSocketPair {
  readonly socket = new PairSocket();
  /** A Response cannot have the status 101. */
  readonly response = new Response(null, { status: 426 });

  constructor() {
    PAIRS.set(this.response, this.socket);
  }
}

/** Sets the global, unless there is one of this name. */
export function installWebSocketPair(): void {
  if ('WebSocketPair' in globalThis) return;
  Object.defineProperty(globalThis, 'WebSocketPair', { value: WebSocketPair, configurable: true, writable: true });
}

/** The socket to which a returned response belongs; undefined for any other result. */
export function findPairSocket(result: object): SocketTalker | undefined {
  return PAIRS.get(result);
}

/**
 * The function's side of a WebSocket, with the methods of a browser's. What is sent before the
 * handshake is complete is sent then. Its listeners are called here and not by `EventTarget`, which
 * gives their errors to the process: an error closes the socket with 1011.
 */
class PairSocket implements SocketTalker {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #unsent: unknown[] = [];
  #socket: OpenSocket | undefined;
  #closing: Parameters<OpenSocket['close']> | undefined;
  onopen: Listener | null = null;
  onmessage: Listener | null = null;
  onclose: Listener | null = null;
  onerror: Listener | null = null;

  /** As of a WebSocket: 0 before the handshake, 1 open, 2 closing, 3 closed. */
  get readyState(): number {
    return this.#socket?.readyState ?? 0;
  }

  addEventListener(type: string, listener: Listener | null): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    if (listener) listeners.add(listener);
    this.#listeners.set(type, listeners);
  }

  removeEventListener(type: string, listener: Listener | null): void {
    if (listener) this.#listeners.get(type)?.delete(listener);
  }

  send(data: unknown): void {
    if (this.#socket) this.#socket.send(data);
    else this.#unsent.push(data);
  }

  close(code?: number, reason?: string): void {
    if (this.#socket) this.#socket.close(code, reason);
    else this.#closing ??= [code, reason];
  }

  opened(socket: FunctionSocket): unknown {
    const opened = socket as OpenSocket; // of `ws`
    this.#socket = opened;
    const called = this.#call(new Event('open'));
    for (const data of this.#unsent.splice(0)) opened.send(data);
    if (this.#closing) opened.close(...this.#closing);
    return called;
  }

  received(_socket: FunctionSocket, data: SocketData, isBinary: boolean): unknown {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data;
    const value = isBinary ? new Uint8Array(bytes).buffer : bytes.toString();
    return this.#call(new MessageEvent('message', { data: value }));
  }

  closed(_socket: FunctionSocket, code: number, reason: Buffer): unknown {
    return this.#call(new CloseEvent('close', { code, reason: reason.toString(), wasClean: code !== 1006 }));
  }

  failed(_socket: FunctionSocket, error: Error): unknown {
    return this.#call(Object.assign(new Event('error'), { error, message: error.message }));
  }

  /** Resolves when all that the listeners returned has. */
  #call(event: Event): unknown {
    const own = { open: this.onopen, message: this.onmessage, close: this.onclose, error: this.onerror };
    const listeners = [own[event.type as keyof typeof own], ...(this.#listeners.get(event.type) ?? [])]; // one of the four
    return Promise.all(
      listeners.map((listener) => (typeof listener === 'function' ? listener(event) : listener?.handleEvent(event))),
    );
  }
}
