import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { scriptedHop } from '../helpers/peer.ts';
import { serveTunnels, switching } from '../helpers/tunnel-server.ts';

const WEBSOCKET = 'Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';

const PLAIN: readonly [string, string, string][] = [
  [
    'an upgrade to h2c',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n',
    'GET with ""',
  ],
  [
    'an upgrade to anything else',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: chat/2\r\nConnection: Upgrade\r\n\r\n',
    'GET with ""',
  ],
  [
    'a choice of protocols',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket, h2c\r\nConnection: Upgrade\r\n\r\n',
    'GET with ""',
  ],
  ['two fields Upgrade', `GET / HTTP/1.1\r\n${WEBSOCKET}Upgrade: websocket\r\n\r\n`, 'GET with ""'],
  [
    'a version of the protocol',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket/13\r\nConnection: Upgrade\r\n\r\n',
    'GET with ""',
  ],
  [
    'no Upgrade in Connection',
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgraded\r\n\r\n',
    'GET with ""',
  ],
  ['a POST', `POST / HTTP/1.1\r\n${WEBSOCKET}Content-Length: 4\r\n\r\nbody`, 'POST with "body"'],
  ['a GET with a body', `GET / HTTP/1.1\r\n${WEBSOCKET}Content-Length: 4\r\n\r\nbody`, 'GET with "body"'],
  ['a GET with an empty body', `GET / HTTP/1.1\r\n${WEBSOCKET}Content-Length: 0\r\n\r\n`, 'GET with ""'],
  [
    'a GET in chunks',
    `GET / HTTP/1.1\r\n${WEBSOCKET}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
    'GET with "body"',
  ],
  ['HTTP/1.0', `GET / HTTP/1.0\r\n${WEBSOCKET}\r\n`, 'GET with ""'],
];

for (const [what, request, answer] of PLAIN) {
  test(`${what} is served as a plain request, with its body`, async (t) => {
    const hop = await scriptedHop(t, () => {});
    const edge = await serveTunnels(t, hop.port);
    const client = await edge.connect();

    client.write(request);

    t.true((await client.readToEnd()).includes(`plain ${answer}`));
    t.is(hop.peers.length, 0);
  });
}

const TUNNELS: readonly [string, string][] = [
  ['in any case', 'Upgrade: WebSocket\r\nConnection: UPGRADE\r\n'],
  ['among other options', 'Connection: keep-alive ,  Upgrade\r\nUpgrade: websocket\r\n'],
  ['in a second field Connection', 'Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'],
];

for (const [how, fields] of TUNNELS) {
  test(`a WebSocket asked for ${how} is a tunnel`, async (t) => {
    const hop = await scriptedHop(t, (peer) => peer.write(switching()));
    const edge = await serveTunnels(t, hop.port);
    const client = await edge.connect();

    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);

    t.regex(await client.readHead(), /^HTTP\/1\.1 101 /);
  });
}

test('nothing but the upgrade goes through http-proxy, whose plain forwarding lets requests be smuggled', async (t) => {
  const folder = join(import.meta.dirname, '../../src');
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const sources = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
  );

  const importers = sources.filter(([, text]) => /from 'http-proxy'|import\('http-proxy'\)/.test(text));
  const users = sources.filter(([, text]) => /\.(web|proxyRequest|listen)\(/.test(text) && text.includes('http-proxy'));

  t.deepEqual(
    importers.map(([name]) => name),
    ['hop/tunnel-handshake.ts'],
  );
  t.deepEqual(users, []);
});
