import type { IncomingMessage } from 'node:http';
import type { Exchange } from '../../../contract/exchange.ts';
import type { FunctionSocket, SocketData, SocketTalker } from '../../../contract/upgrade.ts';

/**
 * Callbacks of a WebSocket, as on the platform: each gets the socket of the package `ws`, and none
 * is awaited.
 */
export interface WebSocketCallbacks {
  onopen?(socket: FunctionSocket, request: IncomingMessage): unknown;
  onmessage?(socket: FunctionSocket, data: SocketData, isBinary: boolean): unknown;
  onclose?(socket: FunctionSocket, code: number, reason: Buffer): unknown;
  onerror?(socket: FunctionSocket, error: Error): unknown;
}

/** The result with which a handler opens a WebSocket. */
export interface WebSocketResult {
  readonly websocket: WebSocketCallbacks;
}

/** False for JSON data with a key `websocket`, such as a URL. */
export function isWebSocketResult(result: unknown): result is WebSocketResult {
  if (typeof result !== 'object' || result === null || !('websocket' in result)) return false;
  return typeof result.websocket === 'object' && result.websocket !== null;
}

/**
 * Opens the WebSocket and resolves when it is closed. A request that is no handshake gets 426, as
 * on the platform. Throws the errors of `Upgrade.accept`.
 */
export async function openWebSocket(exchange: Exchange, result: WebSocketResult | SocketTalker): Promise<void> {
  const talker = 'websocket' in result ? new Callbacks(result.websocket) : result;
  if (exchange.upgrade) await exchange.upgrade.accept(talker);
  else writeUpgradeRequired(exchange);
}

/**
 * Looks up a callback each time it is called, as the platform does, so a function may replace it
 * later.
 */
class Callbacks implements SocketTalker {
  readonly #callbacks: WebSocketCallbacks;

  constructor(callbacks: WebSocketCallbacks) {
    this.#callbacks = callbacks;
  }

  opened(socket: FunctionSocket, request: IncomingMessage): unknown {
    return this.#callbacks.onopen?.(socket, request);
  }

  received(socket: FunctionSocket, data: SocketData, isBinary: boolean): unknown {
    return this.#callbacks.onmessage?.(socket, data, isBinary);
  }

  closed(socket: FunctionSocket, code: number, reason: Buffer): unknown {
    return this.#callbacks.onclose?.(socket, code, reason);
  }

  failed(socket: FunctionSocket, error: Error): unknown {
    return this.#callbacks.onerror?.(socket, error);
  }
}

const UPGRADE_REQUIRED = 'This path is a WebSocket. Connect with ws: or wss:.\n';

/** RFC 9110 15.5.22. */
function writeUpgradeRequired(exchange: Exchange): void {
  const { requestId } = exchange;
  exchange.contentType = 'text/plain; charset=utf-8';
  const length = String(Buffer.byteLength(UPGRADE_REQUIRED));
  const headers = ['Content-Type', exchange.contentType, 'Content-Length', length, 'Upgrade', 'websocket'];
  exchange.writeHead(426, 'Upgrade Required', [...headers, requestId.name, requestId.value]);
  exchange.response.end(UPGRADE_REQUIRED);
}
