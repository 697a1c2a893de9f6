import { caddy } from './caddy.ts';
import { haproxy } from './haproxy.ts';
import { nexthop } from './nexthop.ts';
import { nginx } from './nginx.ts';
import { nodePeer } from './node-peer.ts';
import type { Server } from './server.ts';
import { workerd } from './workerd.ts';

/** Every server under test, in the order of the tables. */
export const SERVERS: readonly Server[] = [
  nexthop,
  nodePeer({ name: 'floor', family: 'forward', file: 'floor.ts' }),
  nodePeer({ name: 'wire', family: 'forward', file: 'wire.ts' }),
  nginx,
  haproxy,
  caddy,
  ...['http-proxy', 'http-proxy-3', 'httpxy', 'fast-proxy'].map((name) =>
    nodePeer({ name, family: 'forward', file: `${name}.js`, packageName: name }),
  ),
  nodePeer({
    name: '@fastify/http-proxy',
    family: 'forward',
    file: 'fastify-http-proxy.js',
    packageName: '@fastify/http-proxy',
  }),
  nodePeer({ name: 'wire-hello', family: 'function', file: 'wire.ts' }),
  nodePeer({ name: 'node-http', family: 'function', file: 'node-http.ts' }),
  nodePeer({ name: 'hono', family: 'function', file: 'hono.js', packageName: 'hono' }),
  nodePeer({ name: 'express', family: 'function', file: 'express.js', packageName: 'express' }),
  workerd,
  nodePeer({ name: 'express-app', family: 'app', file: 'express-app.js', packageName: 'express' }),
  nodePeer({ name: 'sirv', family: 'file', file: 'sirv.js', packageName: 'sirv' }),
  nodePeer({ name: 'express.static', family: 'file', file: 'express-static.js', packageName: 'express' }),
];
