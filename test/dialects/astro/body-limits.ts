import { randomBytes } from 'node:crypto';
import test from 'ava';
import { BUILDS, nameOf } from '../../helpers/astro-builds.ts';
import { type AstroEdge, startAstroEdge } from '../../helpers/astro-edge.ts';
import { fakeBuild } from '../../helpers/fake-build.ts';

const MIB = 1024 ** 2;

for (const build of BUILDS) {
  test(`${nameOf(build)} gets no body above FUNCTION_BODY_LIMIT, by length or by count`, async (t) => {
    const edge = await startAstroEdge(t, { ...build, env: { FUNCTION_BODY_LIMIT: '100k' } });

    t.is(await post(edge, '/api/echo', 90 * 1024), 200);
    t.is(await post(edge, '/api/echo', 110 * 1024), 413);
    t.is(await postChunked(edge, '/api/echo', 90 * 1024), 200);
    t.is(await postChunked(edge, '/api/echo', 300 * 1024), 413);
  });

  for (const path of ['/_server-islands/Island', '/_actions/greet', '/%5Fserver-islands/Island']) {
    test(`${nameOf(build)} gets no more than a mebibyte at ${path}`, async (t) => {
      const edge = await startAstroEdge(t, build);

      t.not(await post(edge, path, MIB - 100), 413);
      t.is(await post(edge, path, MIB + 1), 413);
      t.is(await postChunked(edge, path, 3 * MIB), 413);
      t.is(await post(edge, '/api/echo', 3 * MIB), 200, 'other paths have no such limit');
    });
  }
}

test('a body that is too large gets 413 when a build reads it without a check', async (t) => {
  const handler = `request.on('data', () => {}).on('end', () => { response.writeHead(200); response.end('all'); });`;
  const root = await fakeBuild(t, { handler });
  const edge = await startAstroEdge(t, { major: 7, root, env: { FUNCTION_BODY_LIMIT: '100k' } });

  t.is(await post(edge, '/', 90 * 1024), 200);
  t.is(await post(edge, '/', 110 * 1024), 413);
  t.is(await postChunked(edge, '/', 300 * 1024), 413);
});

test('a build gets no more than FUNCTION_BODY_LIMIT of a body that is too large', async (t) => {
  const counted = { bytes: 0 };
  Object.assign(globalThis, { countedBody: counted });
  const handler = `request.on('data', (chunk) => { globalThis.countedBody.bytes += chunk.length; });`;
  const edge = await startAstroEdge(t, {
    major: 7,
    root: await fakeBuild(t, { handler }),
    env: { FUNCTION_BODY_LIMIT: '100k' },
  });

  t.is(await postChunked(edge, '/', 8 * MIB), 413);
  await edge.close();

  t.true(counted.bytes <= 100 * 1024, `${counted.bytes} bytes were given`);
});

test('bytes that arrive before a build reads count for the limit', async (t) => {
  const read = `request.on('data', () => {}).on('end', () => { response.writeHead(200, {}); response.end('all'); });`;
  const root = await fakeBuild(t, { handler: `setTimeout(() => { ${read} }, 50);` });
  const edge = await startAstroEdge(t, { major: 7, root, env: { FUNCTION_BODY_LIMIT: '100k' } });

  t.is(await postChunked(edge, '/', 110 * 1024), 413);
});

test('a client that expects 100 Continue gets it when the site reads the body', async (t) => {
  const edge = await startAstroEdge(t, { major: 7 });
  const peer = await edge.connect();
  const head =
    'POST /api/echo HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n';

  peer.write(head);
  t.regex(await peer.readHead(), /^HTTP\/1\.1 100 /);
  peer.write('body');

  t.regex(await peer.readHead(), /^HTTP\/1\.1 200 /);
  t.regex(await peer.readUntil('}'), /"bytes":4/);
});

async function post({ url }: AstroEdge, path: string, bytes: number): Promise<number> {
  return statusOf(url + path, randomBytes(bytes));
}

/** Sends a body without Content-Length. */
async function postChunked({ url }: AstroEdge, path: string, bytes: number): Promise<number> {
  return statusOf(url + path, new Blob([randomBytes(bytes)]).stream());
}

async function statusOf(url: string, body: Uint8Array<ArrayBuffer> | ReadableStream): Promise<number> {
  const headers = { 'content-type': 'application/json', origin: new URL(url).origin };
  const response = await fetch(url, { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
  await response.text();
  return response.status;
}
