import test from 'ava';
import { scriptedHop } from '../helpers/peer.ts';
import { serveTunnels, switching } from '../helpers/tunnel-server.ts';

const WEBSOCKET = 'Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';

/** A request, and the method, path and body with which it is answered. */
const PLAIN: readonly [string, string, string][] = [
  [
    'an upgrade to h2c',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n',
    'GET / ',
  ],
  [
    'an upgrade to another protocol',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: chat/2\r\nConnection: Upgrade\r\n\r\n',
    'GET / ',
  ],
  [
    'an upgrade to one of two protocols',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket, h2c\r\nConnection: Upgrade\r\n\r\n',
    'GET / ',
  ],
  ['two Upgrade headers', `GET / HTTP/1.1\r\n${WEBSOCKET}Upgrade: websocket\r\n\r\n`, 'GET / '],
  [
    'an upgrade to a version of the protocol',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket/13\r\nConnection: Upgrade\r\n\r\n',
    'GET / ',
  ],
  [
    'an upgrade without Connection: Upgrade',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgraded\r\n\r\n',
    'GET / ',
  ],
  ['a POST', `POST / HTTP/1.1\r\n${WEBSOCKET}Content-Length: 4\r\n\r\nbody`, 'POST / body'],
  ['a GET with a body', `GET / HTTP/1.1\r\n${WEBSOCKET}Content-Length: 4\r\n\r\nbody`, 'GET / body'],
  ['a GET with an empty body', `GET / HTTP/1.1\r\n${WEBSOCKET}Content-Length: 0\r\n\r\n`, 'GET / '],
  [
    'a chunked GET',
    `GET / HTTP/1.1\r\n${WEBSOCKET}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
    'GET / body',
  ],
  ['HTTP/1.0', `GET / HTTP/1.0\r\n${WEBSOCKET}\r\n`, 'GET / '],
];

for (const [what, request, answer] of PLAIN) {
  test(`${what} is processed as a request without upgrade, with its body`, async (t) => {
    const hop = await scriptedHop(t, () => {});
    const edge = await serveTunnels(t, hop.port);
    const client = await edge.connect();

    client.write(request);

    t.regex(await client.readUntil(answer), /^HTTP\/1\.1 200 /);
    t.is(hop.peers.length, 0);
  });
}

const TUNNELS: readonly [string, string][] = [
  ['in upper case', 'Upgrade: WebSocket\r\nConnection: UPGRADE\r\n'],
  ['among other options', 'Connection: keep-alive ,  Upgrade\r\nUpgrade: websocket\r\n'],
  ['in a second Connection header', 'Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'],
];

for (const [how, headers] of TUNNELS) {
  test(`an upgrade that is requested ${how} opens a tunnel`, async (t) => {
    const hop = await scriptedHop(t, (peer) => peer.write(switching()));
    const edge = await serveTunnels(t, hop.port);
    const client = await edge.connect();

    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);

    t.regex(await client.readHead(), /^HTTP\/1\.1 101 /);
  });
}
