import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../contract/error-message.ts';
import type { CollectedMetrics } from '../contract/metrics.ts';
import { UserError } from '../contract/user-error.ts';
import { Scrape } from './scrape.ts';
import { CONTENT_TYPES, toTextFormat } from './text-format.ts';

const PATH = '/metrics';

export interface MetricsListenerParts {
  readonly host: string;
  readonly port: number;
  readonly collect: () => Promise<CollectedMetrics>;
}

/** Metrics on a port of their own, METRICS_PORT. */
export interface MetricsListener {
  readonly port: number;
  close(): void;
}

/** Answers `/metrics` and nothing else. Rejects with a UserError if the port cannot be used. */
export async function openMetricsListener({ host, port, collect }: MetricsListenerParts): Promise<MetricsListener> {
  const scrape = new Scrape(collect);
  const server = createServer((request, response) => void answer(scrape, request, response));
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new UserError(`METRICS_PORT cannot be opened: set it to a free port (${messageOf(cause)})`, { cause });
  }
  // It must not keep a process that drains.
  server.unref();
  return {
    port: (server.address() as AddressInfo).port, // a TCP server has one
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(scrape: Scrape, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (!isRead || request.url?.split('?')[0] !== PATH) {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end(`metrics are at ${PATH}\n`);
    return;
  }
  const format = toTextFormat(request.headers.accept ?? '');
  const body = await scrape.toText(format);
  response.writeHead(200, { 'Content-Type': CONTENT_TYPES[format], 'Cache-Control': 'no-store' }).end(body);
}
