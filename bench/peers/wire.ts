/**
 * What the wire alone costs: its client connections and its origin connections, with the relay of the tests between them. No log, no rules, no
 * functions; but every check of the wire, all timeouts and the retry.
 */
import { createServer } from 'node:net';
import { ClientConnections } from '../../src/wire/client-connections.ts';
import { OriginPool } from '../../src/wire/origin-pool.ts';
import { Relay } from '../../test/helpers/wire-relay.ts';

const [port = 0, originPort = 0] = process.argv.slice(2).map(Number);
const TEXT = 'Hello from Node.js!';

const pool = new OriginPool({
  host: '127.0.0.1',
  port: originPort,
  connections: 256,
  queue: 1024,
  connectTimeoutMs: 5000,
  firstByteTimeoutMs: 110_000,
  idleTimeoutMs: 120_000,
  keepAliveMs: 20_000,
  maxHeadBytes: 128 * 1024,
  maxHeaders: 200,
});
const connections = new ClientConnections({
  encrypted: false,
  maxHeadBytes: 32 * 1024,
  maxHeaders: 200,
  headersTimeoutMs: 15_000,
  keepAliveTimeoutMs: 70_000,
  clientIdleTimeoutMs: 60_000,
  drainGraceMs: 100,
  handler: {
    handle(request, response) {
      if (request.target !== '/hello') new Relay(request, response).start(pool);
      else {
        response.head(200, 'OK', ['Content-Type', 'text/plain;charset=UTF-8']);
        response.end(TEXT);
      }
    },
    refuse(fault, response) {
      response.head(fault.status, '', []);
      response.end();
    },
  },
});
createServer({ allowHalfOpen: true, noDelay: true }, (socket) => connections.accept(socket)).listen(port, '127.0.0.1');
