import { astroNode, nexthopAdapter, nexthopHosted } from './astro.ts';
import { caddy } from './caddy.ts';
import { haproxy } from './haproxy.ts';
import { nexthop, nexthopWithMetrics } from './nexthop.ts';
import { nginx } from './nginx.ts';
import { nodePeer } from './node-peer.ts';
import type { Server } from './server.ts';
import { workerd } from './workerd.ts';

/** Every server under test, in the order of the tables. */
export const SERVERS: readonly Server[] = [
  nexthop,
  nexthopWithMetrics,
  nodePeer({ name: 'floor', families: ['forward'], file: 'floor.ts' }),
  nodePeer({ name: 'wire', families: ['forward'], file: 'wire.ts' }),
  nginx,
  haproxy,
  caddy,
  ...['http-proxy', 'http-proxy-3', 'httpxy', 'fast-proxy'].map((name) =>
    nodePeer({ name, families: ['forward'], file: `${name}.js`, packageName: name }),
  ),
  nodePeer({
    name: '@fastify/http-proxy',
    families: ['forward'],
    file: 'fastify-http-proxy.js',
    packageName: '@fastify/http-proxy',
  }),
  nodePeer({ name: 'wire-hello', families: ['function'], file: 'wire.ts' }),
  nodePeer({ name: 'node-http', families: ['function', 'netlify', 'limited'], file: 'node-http.ts' }),
  nodePeer({ name: 'net', families: ['function', 'netlify', 'limited'], file: 'net.ts' }),
  nodePeer({ name: 'hono', families: ['function'], file: 'hono.js', packageName: 'hono' }),
  nodePeer({ name: 'express', families: ['function'], file: 'express.js', packageName: 'express' }),
  workerd,
  nodePeer({ name: 'express-app', families: ['app'], file: 'express-app.js', packageName: 'express' }),
  nexthopHosted,
  nexthopAdapter,
  astroNode,
  nodePeer({ name: 'sirv', families: ['file'], file: 'sirv.js', packageName: 'sirv' }),
  nodePeer({ name: 'express.static', families: ['file'], file: 'express-static.js', packageName: 'express' }),
];
