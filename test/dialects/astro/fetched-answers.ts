import { gzipSync } from 'node:zlib';
import test from 'ava';
import { BUILDS, nameOf } from '../../helpers/astro-builds.ts';
import { startAstroEdge } from '../../helpers/astro-edge.ts';
import type { AstroSetup } from '../../helpers/astro-site.ts';
import { codingOrigin, ENCODERS, getRaw } from '../../helpers/coding-origin.ts';
import { startEdge } from '../../helpers/edge.ts';
import { fakeBuild } from '../../helpers/fake-build.ts';

const PAGE = Buffer.from('<p>a page that the origin compresses</p>\n'.repeat(300));

const OWN: readonly AstroSetup[] = [5, 7].map((major) => ({
  major: major as AstroSetup['major'],
  adapter: 'nexthop/astro',
  options: { mode: 'standalone' },
}));

for (const build of [...BUILDS, ...OWN]) {
  const name = `${nameOf(build)}${build.adapter ? ' by nexthop/astro' : ''}`;

  test(`an endpoint of ${name} that returns a fetched response sends a decoded body without its coding`, async (t) => {
    const origin = await codingOrigin(t, PAGE);
    const edge = await startAstroEdge(t, build);

    for (const coding of ['gzip', 'br', 'foo']) {
      for (const text of ['', '&text']) {
        if (text && coding === 'foo') continue;
        const { status, headers, body } = await getRaw(`${edge.url}/api/fetched?from=${origin.url}/${coding}${text}`);
        t.is(status, 200);
        t.is(headers['content-encoding'], coding === 'foo' ? 'foo' : undefined);
        t.true(body.equals(coding === 'foo' ? (ENCODERS.foo?.(PAGE) ?? PAGE) : PAGE));
        t.deepEqual(headers['set-cookie']?.map((cookie) => cookie.slice(0, 5)).sort(), ['origi', 'own=1']);
      }
    }
  });

  test(`a response that ${name} fetched is decoded once, also if it is encoded twice`, async (t) => {
    const archive = gzipSync(PAGE);
    const origin = await codingOrigin(t, archive);
    const edge = await startAstroEdge(t, build);

    const { headers, body } = await getRaw(`${edge.url}/api/fetched?from=${origin.url}/gzip`);

    t.is(headers['content-encoding'], undefined);
    t.true(body.equals(archive));
  });

  for (const coding of ['identity', 'gzip']) {
    test(`the head of an event stream that ${name} fetched with the coding ${coding} is sent at once`, async (t) => {
      const origin = await codingOrigin(t, PAGE);
      const edge = await startAstroEdge(t, build);
      const peer = await edge.connect();

      peer.write(`GET /api/fetched?from=${origin.url}/${coding}?events HTTP/1.1\r\nHost: a\r\n\r\n`);

      t.regex(await peer.readHead(), /^HTTP\/1\.1 200 .*content-type: text\/event-stream/is);
    });
  }
}

/** A build without a known write loop: only the bytes show whether the body is encoded. */
const WRITES: Readonly<Record<string, readonly [statements: string, isCoded: boolean]>> = {
  'decoded bytes': ['response.write(PAGE); response.end()', false],
  'decoded bytes, at its end': ['response.end(PAGE)', false],
  'decoded bytes one by one': ['for (const byte of PAGE) response.write(Uint8Array.of(byte)); response.end()', false],
  'decoded bytes after a while': [
    'setTimeout(() => { response.write(PAGE.subarray(0, 3)); response.end(PAGE.subarray(3)); }, 20)',
    false,
  ],
  'a decoded start, and the rest after a while': [
    'response.write(PAGE.subarray(0, 20)); setTimeout(() => response.end(PAGE.subarray(20)), 20)',
    false,
  ],
  nothing: ['response.end()', false],
  'coded bytes': ['response.write(gzipSync(PAGE)); response.end()', true],
  'coded bytes one by one': [
    'for (const byte of gzipSync(PAGE)) response.write(Uint8Array.of(byte)); response.end()',
    true,
  ],
  'coded bytes after a while': [
    'const coded = gzipSync(PAGE); setTimeout(() => { response.write(coded.subarray(0, 3)); setTimeout(() => response.end(coded.subarray(3)), 20); }, 20)',
    true,
  ],
};

for (const [what, [statements, isCoded]] of Object.entries(WRITES)) {
  test(`a build that sets the coding gzip and writes ${what} is sent ${isCoded ? 'with' : 'without'} the coding`, async (t) => {
    const entry = `import { gzipSync } from 'node:zlib';
      const PAGE = Buffer.from(${JSON.stringify(String(PAGE))});
      export const options = { mode: 'middleware' };
      export const handler = (request, response) => { response.writeHead(200, { 'content-encoding': 'gzip' }); ${statements}; };`;
    const edge = await startEdge(t, { site: await fakeBuild(t, { entry }) });

    const { headers, body } = await getRaw(edge.url);

    t.is(headers['content-encoding'], isCoded ? 'gzip' : undefined);
    t.true(body.equals(what === 'nothing' ? Buffer.alloc(0) : isCoded ? gzipSync(PAGE) : PAGE));
    t.like((await edge.accessLines(1))[0], { response_body_bytes: String(body.length), fault: '' });
  });
}

for (const [how, statements] of [
  ['is destroyed in the turn of its head', 'response.writeHead(200, {}); response.destroy()'],
  [
    'fails in the turn of its head',
    'response.writeHead(200, {}); response.write("Internal server error", () => response.destroy())',
  ],
  [
    'has a head that cannot be written',
    'response.writeHead(200, { "x-\\n": "1" }); setTimeout(() => response.end("late"), 50)',
  ],
  [
    'is longer than its length at once',
    'response.writeHead(200, { "content-length": "3" }); response.write("xyzxyz"); response.end()',
  ],
  ['is shorter than its length at once', 'response.writeHead(200, { "content-length": "10" }); response.end("xyz")'],
  ['is shorter than a length that was set', 'response.setHeader("content-length", 10); response.end("xyz")'],
] as const) {
  test(`a response of a build that ${how} becomes a 500, because nothing of it is sent yet`, async (t) => {
    const edge = await startEdge(t, { site: await fakeBuild(t, { handler: statements }) });

    const answer = await edge.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

    t.regex(answer, /^HTTP\/1\.1 500 (?!.*xyz).*function_(?:error|bad_answer)/s);
    t.like((await edge.accessLines(1))[0], { status: '500', fault_origin: 'function' });
  });
}

test('a build may set Content-Length for HEAD and 304', async (t) => {
  const handler = `response.writeHead(request.method === 'HEAD' ? 200 : 304, { 'content-length': '10' }); response.end(request.method === 'HEAD' ? 'abc' : undefined);`;
  const edge = await startEdge(t, { site: await fakeBuild(t, { handler }) });

  t.like(await getRaw(edge.url, { method: 'HEAD' }), { status: 200, headers: { 'content-length': '10' } });
  t.like(await getRaw(edge.url), { status: 304, headers: { 'content-length': '10' } });
  t.deepEqual(await edge.errorLines(), []);
});
