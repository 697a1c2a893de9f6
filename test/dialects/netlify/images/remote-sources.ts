import { createServer, type RequestListener } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { toPattern } from '../../../../src/dialects/netlify/config/toml-images.ts';
import { RemoteImages } from '../../../../src/dialects/netlify/images/remote-images.ts';
import { ExternalHosts } from '../../../../src/hop/external-hosts.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { listenOnPort } from '../../../helpers/listen.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const PICTURE = await sharp({ create: { width: 50, height: 50, channels: 3, background: 'red' } })
  .jpeg()
  .toBuffer();

async function startOrigin(t: ExecutionContext, answer: RequestListener): Promise<number> {
  return listenOnPort(t, createServer(answer));
}

async function serve(t: ExecutionContext, pattern: string, env: Record<string, string> = {}) {
  const toml = `[images]\nremote_images = [${JSON.stringify(pattern)}]`;
  const edge = await startEdge(t, { site: await siteFolder(t, { 'netlify.toml': toml }), env });
  return async (url: string, more = '&w=10'): Promise<string> => {
    const response = await fetch(`${edge.url}/.netlify/images?url=${encodeURIComponent(url)}${more}`, {
      headers: { cookie: 'secret=1', authorization: 'Bearer secret' },
    });
    const content = await response.arrayBuffer();
    return `${response.status} ${response.status === 200 ? (await sharp(content).metadata()).width : ''}`;
  };
}

const ALLOWED = { PROXY_HOSTS: '127.0.0.1' };

test('an image of another host that a pattern allows is sent, without a header of the client', async (t) => {
  const seen: string[][] = [];
  const port = await startOrigin(t, (request, response) => {
    seen.push(Object.keys(request.headers).sort());
    response.end(PICTURE);
  });
  const get = await serve(t, `http://127\\.0\\.0\\.1:${port}/.*`, ALLOWED);

  t.is(await get(`http://127.0.0.1:${port}/a.jpg?x=1`), '200 10');
  t.deepEqual(seen[0], ['accept', 'cdn-loop', 'connection', 'host', 'via']);
});

test('a host that no pattern allows gets 403, and no request', async (t) => {
  const port = await startOrigin(t, (_request, response) => response.end(PICTURE));
  const get = await serve(t, `http://127\\.0\\.0\\.1:${port}/only/.*`, ALLOWED);

  t.is(await get(`http://127.0.0.1:${port}/only/a.jpg`), '200 10');
  t.is(await get(`http://127.0.0.1:${port}/a.jpg`), '403 ');
  t.is(await get(`http://127.0.0.1:${port}/only/../a.jpg`), '403 ');
  t.is(await get(`//127.0.0.1:${port}/a.jpg`), '403 ');
  t.is(await get(`http://x@127.0.0.1:${port}/only/a.jpg`), '403 ');
  t.is(await get('file:///etc/passwd'), '403 ');
});

test('a redirect is followed only to where a pattern allows it', async (t) => {
  const port = await startOrigin(t, (request, response) => {
    if (request.url === '/a/inside') response.writeHead(302, { Location: '/a/picture' }).end();
    else if (request.url === '/a/outside') response.writeHead(302, { Location: '/b/picture' }).end();
    else if (request.url === '/a/circle') response.writeHead(302, { Location: '/a/circle' }).end();
    else response.end(PICTURE);
  });
  const get = await serve(t, `http://127\\.0\\.0\\.1:${port}/a/.*`, ALLOWED);

  t.is(await get(`http://127.0.0.1:${port}/a/inside`), '200 10');
  t.is(await get(`http://127.0.0.1:${port}/a/outside`), '403 ');
  t.is(await get(`http://127.0.0.1:${port}/a/circle`), '502 ');
});

test('a pattern that allows everything allows no private address', async (t) => {
  const port = await startOrigin(t, (_request, response) => response.end(PICTURE));
  const get = await serve(t, '.*');

  for (const host of [
    '127.0.0.1',
    'localhost',
    'a.localhost',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
  ]) {
    t.is(await get(`http://${host}:${port}/a.jpg`), '403 ', host);
  }
});

for (const [host, isRefused] of [
  ['169.254.169.254', true],
  ['10.1.2.3', true],
  ['[fd00::1]', true],
  ['[fe80::1]', true],
  ['[::ffff:a00:1]', true],
  ['LOCALHOST', true],
  ['localhost.', true],
  ['93.184.216.34', false],
  ['images.example', false],
] as const) {
  test(`without PROXY_HOSTS a client may ${isRefused ? 'not ' : ''}name ${host}`, (t) => {
    t.is(new ExternalHosts([]).findClientObstacle(host) !== undefined, isRefused);
  });
}

for (const [pattern, url, isAllowed] of [
  ['https://images\\.example/.*', 'https://images.example/a.jpg', true],
  ['https://images.example', 'https://images.example/a.jpg', true],
  ['https://images.example', 'https://images.example.evil.test/a.jpg', false],
  ['https://images.example', 'https://images.example:8443/a.jpg', false],
  ['https://images\\.example/.*', 'https://evil.test/?https://images.example/a.jpg', false],
  ['https://images\\.example/.*', 'http://images.example/a.jpg', false],
  ['images.example/*', 'https://images.example/a.jpg', true],
  ['images.example/*', 'https://evil.test/images.example/a.jpg', false],
  ['https://[^/]+\\.example/.*', 'https://cdn.images.example/a.jpg', true],
  ['https://.*\\.example/.*', 'https://cdn.images.example/a.jpg', true],
  ['https://.*\\.example/.*', 'https://evil.test/a.example/', false],
  ['https://.*\\.example/.*', 'https://evil.test\\@a.example/', false],
  ['https?:\\/\\/.+\\.example\\/.*', 'https://evil.test/a.example/', false],
  ['.*', 'https://any.test/a.jpg', true],
  ['https://.*', 'https://any.test/a.jpg', true],
  ['^https://(a|b)\\.example/.*\\.jpg$', 'https://b.example/x/y.jpg', true],
] as const) {
  test(`the pattern ${pattern} ${isAllowed ? 'allows' : 'does not allow'} ${url}`, (t) => {
    t.is(new RemoteImages([toPattern(pattern)]).allows(new URL(url)), isAllowed);
  });
}

test('equal requests at one time lead to one download, and later ones to none while the image is fresh', async (t) => {
  let count = 0;
  const port = await startOrigin(t, (request, response) => {
    count++;
    const age = request.url === '/stale' ? 'no-store' : 'max-age=100';
    setImmediate(() => response.writeHead(200, { 'Cache-Control': age }).end(PICTURE));
  });
  const get = await serve(t, '.*', ALLOWED);

  await Promise.all(Array.from({ length: 20 }, () => get(`http://127.0.0.1:${port}/a.jpg`)));
  t.is(await get(`http://127.0.0.1:${port}/a.jpg`), '200 10');
  t.is(count, 1);
  await get(`http://127.0.0.1:${port}/stale`);
  await get(`http://127.0.0.1:${port}/stale`);
  t.is(count, 3);
});

test('an origin that is missing, broken or endless gets 404 or 502', async (t) => {
  const port = await startOrigin(t, (request, response) => {
    if (request.url === '/none') response.writeHead(404).end();
    else if (request.url === '/failing') response.writeHead(500).end();
    else if (request.url === '/packed') response.writeHead(200, { 'Content-Encoding': 'br' }).end(PICTURE);
    else if (request.url === '/cut')
      response.writeHead(200, { 'Content-Length': 1000 }).write('x', () => response.destroy());
    else {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1024 ** 2)));
      };
      response.on('drain', more);
      more();
    }
  });
  const get = await serve(t, '.*', ALLOWED);

  for (const [path, status] of Object.entries({ none: 404, failing: 502, packed: 502, cut: 502, endless: 502 })) {
    t.is(await get(`http://127.0.0.1:${port}/${path}`), `${status} `, path);
  }
});

test('a pattern that is no regular expression is reported with its line, and the others are used', async (t) => {
  const toml = '[images]\nremote_images = [\n"(",\n1,\n"https://a.example/.*"]';
  const { edge } = await startEdge(t, { site: await siteFolder(t, { 'netlify.toml': toml }) });

  t.deepEqual(
    edge.site.problems.map(({ line, message }) => `${line}: ${message}`),
    [
      '3: images.remote_images[0] is not used: Invalid regular expression: /(/y: Unterminated group',
      '4: images.remote_images[1] must be a regular expression, got 1; it is not used',
    ],
  );
});

test('an image whose server does not resolve is reported with that server, and not as the next hop', async (t) => {
  const toml = '[images]\nremote_images = ["http://no-such-name\\\\.invalid/.*"]';
  const edge = await startEdge(t, { site: await siteFolder(t, { 'netlify.toml': toml }) });

  const { status } = await fetch(`${edge.url}/.netlify/images?url=http%3A%2F%2Fno-such-name.invalid%2Fa.jpg&w=10`);

  t.is(status, 502);
  await edge.close();
  const lines = (await edge.errorLines()).map(({ message }) => String(message));
  t.true(lines.some((line) => line.includes('http://no-such-name.invalid did not answer')));
  t.deepEqual(
    lines.filter((line) => line.includes('NEXT_HOP')),
    [],
  );
});
