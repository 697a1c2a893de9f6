import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ExecutionContext } from 'ava';
import { type AstroSetup, astroSite } from './astro-site.ts';
import { type RunningEdge, startEdge } from './edge.ts';

export interface AstroEdge extends RunningEdge {
  /** Folder of the site, with the build in `dist/`. */
  readonly root: string;
  /** Every request that reached the next hop, in order. */
  readonly missed: readonly Missed[];
}

export interface Missed {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** SHA-256 of the body. */
  readonly body: string;
}

export interface AstroEdgeSetup extends AstroSetup {
  /** Default: what the setup builds. */
  readonly root?: string;
  /** Settings, as the environment would give them. */
  readonly env?: Readonly<Record<string, string>>;
  /** Status of every response of the hop; default: 200. */
  readonly hopStatus?: number;
}

/** Builds the site and starts a whole edge with it, before a hop that answers "from the hop" to whatever reaches it. */
export async function startAstroEdge(t: ExecutionContext, setup: AstroEdgeSetup): Promise<AstroEdge> {
  const { root: given, env = {}, hopStatus = 200, ...rest } = setup;
  const root = given ?? (await astroSite(t, rest));
  const missed: Missed[] = [];
  const hop = createServer(async (request, response) => {
    const sum = createHash('sha256');
    for await (const chunk of request) sum.update(chunk);
    const { method = '', url = '', headers } = request;
    missed.push({ method, url, headers, body: sum.digest('hex') });
    response.writeHead(hopStatus).end('from the hop');
  });
  hop.listen(0, '127.0.0.1');
  await once(hop, 'listening');
  t.teardown(() => hop.close().closeAllConnections());
  const { port } = hop.address() as { port: number };
  const edge = await startEdge(t, { site: root, env: { NEXT_HOP: `http://127.0.0.1:${port}`, ...env } });
  return { ...edge, root, missed };
}
