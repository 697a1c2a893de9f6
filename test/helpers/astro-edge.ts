import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { ExecutionContext } from 'ava';
import { type AstroSetup, astroSite } from './astro-site.ts';
import { type RunningEdge, startEdge } from './edge.ts';
import { listenOnPort } from './listen.ts';

export interface AstroEdge extends RunningEdge {
  /** Folder of the site, with the build in `dist/`. */
  readonly root: string;
  /** Every request that reached the next hop, in order. */
  readonly forwarded: readonly ForwardedRequest[];
}

export interface ForwardedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** SHA-256 of the body. */
  readonly body: string;
}

export interface AstroEdgeSetup extends AstroSetup {
  /** Default: a new site with the build of this setup. */
  readonly root?: string;
  /** Settings, as the environment would give them. */
  readonly env?: Readonly<Record<string, string>>;
  /** Status of every response of the hop; default: 200. */
  readonly hopStatus?: number;
}

/**
 * Builds the site and starts an edge with it, whose next hop answers "from the hop" to every
 * request.
 */
export async function startAstroEdge(t: ExecutionContext, setup: AstroEdgeSetup): Promise<AstroEdge> {
  const { root: given, env = {}, hopStatus = 200, ...rest } = setup;
  const root = given ?? (await astroSite(t, rest));
  const forwarded: ForwardedRequest[] = [];
  const hop = createServer(async (request, response) => {
    const sum = createHash('sha256');
    for await (const chunk of request) sum.update(chunk);
    const { method = '', url = '', headers } = request;
    forwarded.push({ method, url, headers, body: sum.digest('hex') });
    response.writeHead(hopStatus).end('from the hop');
  });
  const port = await listenOnPort(t, hop);
  const edge = await startEdge(t, { site: root, env: { NEXT_HOP: `http://127.0.0.1:${port}`, ...env } });
  return { ...edge, root, forwarded };
}
