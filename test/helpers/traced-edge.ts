import { createServer, type IncomingHttpHeaders } from 'node:http';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ExecutionContext } from 'ava';
import { type EdgeSetup, type RunningEdge, startEdge } from './edge.ts';
import { listenOnPort } from './listen.ts';
import { untilResult } from './until-result.ts';

/** The trace of a request's `traceparent`. */
export const TRACE = '0af7651916cd43dd8448eb211c80319c';
export const PARENT = 'b7ad6b7169203331';
export const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

/** The finished spans of this process: tests that use it are serial. */
export const exporter = new InMemorySpanExporter();

/** Registers an SDK of OpenTelemetry in this process, as a file that is given with --import does. */
export function registerSdk(): void {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}

export interface Traced extends RunningEdge {
  /** By the hop. */
  readonly received: IncomingHttpHeaders[];
}

/** Starts an edge whose hop notes the headers that it receives. */
export async function serveTraced(t: ExecutionContext, setup: EdgeSetup = {}): Promise<Traced> {
  exporter.reset();
  const received: IncomingHttpHeaders[] = [];
  const origin = createServer((request, response) => {
    received.push(request.headers);
    if (request.url === '/dies' && received.filter(({ dies }) => dies).length === 1) {
      request.socket.destroy();
      return;
    }
    if (request.url === '/kept') response.setHeader('Cache-Control', 'max-age=60');
    response.writeHead(request.url?.startsWith('/503') ? 503 : 200).end('hop');
  });
  const env = { NEXT_HOP: `http://127.0.0.1:${await listenOnPort(t, origin)}`, ...setup.env };
  return { ...(await startEdge(t, { ...setup, env })), received };
}

/** The finished spans with the name, when there are so many. */
export async function named(name: string, count = 1) {
  const find = () => exporter.getFinishedSpans().filter((span) => span.name === name);
  return untilResult(
    async () => find(),
    (found) => found.length >= count,
  );
}
