import { gzipSync } from 'node:zlib';
import test from 'ava';
import { codingOrigin, ENCODERS, getRaw } from '../../helpers/coding-origin.ts';
import { serveFunction } from '../../helpers/function-server.ts';

const PAGE = Buffer.from('<p>the body, which is long enough to differ from coded bytes, ä</p>\n'.repeat(500));

/** Bodies of a function that passes on `r`, which it has fetched. */
const WAYS: Readonly<Record<string, string>> = {
  'the Response itself': 'r',
  'its clone': '(await r.text(), copy)',
  'the other half of a clone': 'r',
  'a Response of its body and itself': 'new Response(r.body, r)',
  'a Response of its body and headers': 'new Response(r.body, { headers: r.headers })',
  'its body without the coding, but with the length':
    '(h.delete("content-encoding"), new Response(r.body, { headers: h }))',
  'a branch of its body': 'new Response(r.body.tee()[1], { headers: h })',
  'its body through a stream': 'new Response(r.body.pipeThrough(new TransformStream()), r)',
  'its bytes one by one': 'new Response(ReadableStream.from(oneByOne(r.body)), r)',
  'its text': 'new Response(await r.text(), { headers: r.headers })',
  'its bytes': 'new Response(await r.arrayBuffer(), r)',
  'its blob': 'new Response(await r.blob(), r)',
  'its body with a cookie of the function': '(context.cookies.set("own", "1"), r)',
  'its text with a cookie of the function': '(context.cookies.set("own", "1"), new Response(await r.text(), r))',
};

function toFunction(origin: string, answer: string): string {
  return `
    async function* oneByOne(body) {
      let most = 300;
      for await (const chunk of body) {
        for (let at = 0; at < chunk.length; at++) {
          if (most-- > 0) yield chunk.subarray(at, at + 1);
          else { yield chunk.subarray(at); break; }
        }
      }
    }
    export default async (request, context) => {
      const r = await fetch(${JSON.stringify(origin)} + new URL(request.url).pathname, { headers: request.headers, method: request.method });
      const copy = ${answer.includes('copy')} ? r.clone() : undefined;
      const h = new Headers(r.headers);
      return ${answer};
    };`;
}

const DECODED = ['gzip', 'x-gzip', 'deflate', 'br', 'zstd', 'gzip, br'];

for (const [what, answer] of Object.entries(WAYS)) {
  test(`a function that responds with ${what} sends a decoded body, without the coding and length of the fetched one`, async (t) => {
    const origin = await codingOrigin(t, PAGE);
    const server = await serveFunction(t, toFunction(origin.url, answer));

    for (const coding of DECODED) {
      const { status, headers, body } = await getRaw(`${server.url}/${encodeURIComponent(coding)}`);
      t.is(status, 200);
      t.is(headers['content-encoding'], undefined, coding);
      t.true([undefined, String(PAGE.length)].includes(headers['content-length']), coding);
      t.true(body.equals(PAGE), coding);
      t.true(headers['set-cookie']?.includes('origin=1'));
      t.is(headers['set-cookie']?.length, answer.includes('cookies') ? 2 : 1);
    }
    t.deepEqual(server.faults, []);
  });
}

for (const coding of ['identity', 'foo', 'foo, gzip']) {
  test(`the coding ${coding}, which fetch does not decode, stays with its bytes`, async (t) => {
    const origin = await codingOrigin(t, PAGE);
    const coded = ENCODERS[coding]?.(PAGE) ?? PAGE;

    for (const answer of ['r', 'new Response(r.body, r)', 'new Response(await r.arrayBuffer(), { headers: h })']) {
      const server = await serveFunction(t, toFunction(origin.url, answer));
      const { headers, body } = await getRaw(`${server.url}/${encodeURIComponent(coding)}`);
      t.is(headers['content-encoding'], coding);
      t.is(headers['content-length'], String(coded.length));
      t.true(body.equals(coded));
    }
  });
}

test('a body that is coded twice is decoded once and sent without Content-Encoding', async (t) => {
  const archive = gzipSync(PAGE);
  const origin = await codingOrigin(t, archive);

  for (const answer of ['r', 'new Response(r.body, r)', 'new Response(r.clone().body, { headers: h })']) {
    const server = await serveFunction(t, toFunction(origin.url, answer));
    const { headers, body } = await getRaw(`${server.url}/gzip`);
    t.is(headers['content-encoding'], undefined);
    t.true(body.equals(archive));
  }
});

test('responses to HEAD and 304 have the same Content-Encoding as GET', async (t) => {
  const origin = await codingOrigin(t, PAGE);

  for (const answer of ['r', '(context.cookies.set("own", "1"), r)']) {
    const server = await serveFunction(t, toFunction(origin.url, answer));
    const head = await getRaw(`${server.url}/gzip`, { method: 'HEAD' });
    t.is(head.headers['content-encoding'], undefined);
    t.is(head.headers['content-length'], undefined);
    const unchanged = await getRaw(`${server.url}/gzip`, { headers: { 'if-none-match': '"a"' } });
    t.is(unchanged.status, 304);
    t.is(unchanged.headers['content-encoding'], undefined);
  }
});

test('the head of a coded event stream is sent at once', async (t) => {
  const origin = await codingOrigin(t, PAGE);
  const server = await serveFunction(
    t,
    `export default async () => {
      const r = await fetch('${origin.url}/gzip?events');
      return new Response(r.body, { headers: r.headers });
    };`,
  );
  const peer = await server.connect();

  peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');

  const head = await peer.readHead();
  t.regex(head, /content-type: text\/event-stream/i);
  t.notRegex(head, /content-encoding/i);
});

const OWN: Readonly<Record<string, string>> = {
  bytes: 'new Response(zlib.CODER(PAGE), { headers })',
  'a stream': 'new Response(Readable.toWeb(Readable.from([PAGE]).pipe(zlib.STREAM())), { headers })',
  'a stream of small pieces':
    'new Response(ReadableStream.from([...zlib.CODER(PAGE)].map((byte) => Uint8Array.of(byte))), { headers })',
  'a stream that lets wait': 'new Response(ReadableStream.from(late(zlib.CODER(PAGE))), { headers })',
  'a fetched body that it codes again':
    'new Response(Readable.toWeb(Readable.fromWeb((await fetch(ORIGIN)).body).pipe(zlib.STREAM())), { headers })',
};

for (const [what, answer] of Object.entries(OWN)) {
  test(`the coding of ${what} that a function has coded itself is unchanged`, async (t) => {
    const origin = await codingOrigin(t, PAGE);
    for (const [coding, coder, stream] of [
      ['gzip', 'gzipSync', 'createGzip'],
      ['deflate', 'deflateSync', 'createDeflate'],
      ['br', 'brotliCompressSync', 'createBrotliCompress'],
      ['zstd', 'zstdCompressSync', 'createZstdCompress'],
    ] as const) {
      const code = answer.replace('CODER', coder).replace('STREAM', stream).replace('ORIGIN', `'${origin.url}/gzip'`);
      const server = await serveFunction(
        t,
        `import zlib from 'node:zlib';
        import { Readable } from 'node:stream';
        const PAGE = Buffer.from(${JSON.stringify(String(PAGE))});
        const headers = { 'content-encoding': '${coding}' };
        async function* late(bytes) {
          for (const at of [0, 1]) {
            await new Promise((resolve) => setTimeout(resolve, 20));
            yield bytes.subarray(at, at === 0 ? 1 : undefined);
          }
        }
        export default async () => ${code};`,
      );
      const { headers } = await getRaw(server.url);
      t.is(headers['content-encoding'], coding);
      t.is(await (await fetch(server.url)).text(), String(PAGE), coding);
    }
  });
}

test('a Content-Encoding that the function sets wrongly is not sent', async (t) => {
  for (const body of ['"plain"', 'Buffer.from("plain")', 'null', 'ReadableStream.from([])']) {
    const server = await serveFunction(
      t,
      `export default () => new Response(${body}, { headers: { 'content-encoding': 'br', 'content-length': '99' } });`,
    );
    const { headers, body: sent } = await getRaw(server.url);
    t.is(headers['content-encoding'], undefined, body);
    t.is(String(sent), body.includes('plain') ? 'plain' : '');
  }
});
