import { STATUS_CODES } from 'node:http';
import type { Exchange } from '../../src/contract/exchange.ts';

/** Answers with a text; `headers` are flat. */
export function writeText(exchange: Exchange, status: number, text: string, headers: readonly string[] = []): void {
  exchange.writeHead(status, STATUS_CODES[status] ?? '', headers);
  exchange.response.end(text);
}
