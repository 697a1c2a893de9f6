import { createServer } from 'node:http';
import type { ExecutionContext } from 'ava';
import { type EdgeSetup, type RunningEdge, startEdge } from './edge.ts';
import { listenOnPort } from './listen.ts';

/** METRICS_PATH of a measured edge. */
export const METRICS_PATH = '/.well-known/nexthop/metrics';

export interface Measured extends RunningEdge {
  scrape(headers?: Readonly<Record<string, string>>): Promise<string>;
}

/** Starts an edge with metrics. Its hop has everything but `/none`. */
export async function measure(t: ExecutionContext, { env = {}, ...setup }: EdgeSetup = {}): Promise<Measured> {
  const origin = createServer((request, response) =>
    response.writeHead(request.url === '/none' ? 404 : 200).end('hop'),
  );
  const NEXT_HOP = `http://127.0.0.1:${await listenOnPort(t, origin)}`;
  const edge = await startEdge(t, { ...setup, env: { NEXT_HOP, METRICS_PATH, ...env } });
  return { ...edge, scrape: async (headers = {}) => (await fetch(`${edge.url}${METRICS_PATH}`, { headers })).text() };
}

/** Requests a path, and reads the whole response. */
export async function get({ url }: RunningEdge, path: string, method = 'GET'): Promise<string> {
  return (await fetch(`${url}${path}`, { method })).text();
}
