import test, { type ExecutionContext } from 'ava';
import type { Project } from '../../../src/contract/project.ts';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { type DialectServer, serveDialect } from '../../helpers/dialect-server.ts';
import { until } from '../../helpers/until.ts';

/** Serves a handler with this body at /f, and one at /echo that answers with the method, type and text of the request. */
function serve(
  t: ExecutionContext,
  body: string,
  { files = {}, parts = {} }: { files?: Readonly<Record<string, string>>; parts?: Partial<Project> } = {},
): Promise<DialectServer> {
  const text = `export async function onRequest(context) { const { request } = context; ${body} }`;
  const echo = `export const onRequest = async ({ request }) =>
    [request.method, request.headers.get('content-type'), await request.text()];`;
  return serveDialect(t, edgeone, { 'cloud-functions/f.js': text, 'cloud-functions/echo.js': echo, ...files }, parts);
}

async function post(url: string, body: ConstructorParameters<typeof Response>[0], type?: string): Promise<unknown> {
  const headers = type === undefined ? new Headers() : new Headers({ 'content-type': type });
  return (await fetch(url, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)).json(); // the types lack duplex
}

const bytes = new Uint8Array([0xff, 0x7b, 0x00]);

const VALUES: readonly (readonly [type: string, sent: string | Uint8Array<ArrayBuffer>, value: unknown])[] = [
  ['application/json', '{"a":[1,null],"__proto__":{"b":2}}', '{"a":[1,null],"__proto__":{"b":2}}'],
  ['Application/JSON; charset=utf-8', '\ufeff"text"', '"text"'],
  ['application/ld+json', '[1,{"a":2}]', '[1,{"a":2}]'],
  ['application/json', 'null', 'null'],
  ['application/x-www-form-urlencoded', 'a=1&b=x+y%26&a=2&__proto__=z', '{"a":["1","2"],"b":"x y&","__proto__":"z"}'],
  ['text/plain; charset=utf-8', 'h\u00e9llo {', '"h\u00e9llo {"'],
  ['text/html', '<p>', '{"type":"Buffer","data":[60,112,62]}'],
  ['application/octet-stream', bytes, '{"type":"Buffer","data":[255,123,0]}'],
  ['multipart/form-data; boundary=x', '--x--', '{"type":"Buffer","data":[45,45,120,45,45]}'],
  ['', bytes, '{"type":"Buffer","data":[255,123,0]}'],
];

for (const [type, sent, value] of VALUES) {
  test(`request.body for ${type || 'no type'} and ${JSON.stringify(sent)} is ${value}`, async (t) => {
    const { url } = await serve(
      t,
      'return [JSON.stringify(request.body), request.body === request.body, Buffer.isBuffer(request.body)];',
    );

    const [text, isSame, isBuffer] = (await post(`${url}/f`, sent, type || undefined)) as unknown[];

    t.deepEqual([text, isSame], [value, true]);
    t.is(isBuffer, String(value).includes('"Buffer"'));
  });
}

test('request.body is undefined for an empty body, whatever the type and method', async (t) => {
  const { url, exchange } = await serve(t, 'return [typeof request.body];');
  const head = (more: string) =>
    `POST /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n${more}`;

  t.deepEqual(await (await fetch(`${url}/f`)).json(), ['undefined']);
  for (const request of [
    head('\r\n'),
    head('Content-Length: 0\r\n\r\n'),
    head('Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
  ]) {
    t.true((await exchange(request)).includes('["undefined"]'));
  }
});

test('request.body is a Buffer for compressed bytes, whatever their type', async (t) => {
  const { url } = await serve(t, 'return [Buffer.isBuffer(request.body), request.body.length];');
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };

  const response = await fetch(`${url}/f`, { method: 'POST', body: bytes, headers });

  t.deepEqual(await response.json(), [true, 3]);
});

/** Ways to read the Buffer as a stream. Each stores the result in `text`. */
const STREAMS: Readonly<Record<string, string>> = {
  getReader:
    'const reader = request.body.getReader(); let text = ""; for (let part; !(part = await reader.read()).done; ) text += Buffer.from(part.value);',
  'a reader with its own buffer':
    'const reader = request.body.getReader({ mode: "byob" }); let text = ""; for (let part; !(part = await reader.read(new Uint8Array(4))).done; ) text += Buffer.from(part.value);',
  'async iteration': 'let text = ""; for await (const chunk of request.body) text += Buffer.from(chunk);',
  'async iteration, twice':
    'let text = ""; for (const _ of "ab") { text = ""; for await (const chunk of request.body) text += Buffer.from(chunk); }',
  pipeTo:
    'let text = ""; await request.body.pipeTo(new WritableStream({ write: (chunk) => { text += Buffer.from(chunk); } }));',
  pipeThrough: 'const text = await new Response(request.body.pipeThrough(new TransformStream())).text();',
  tee: 'const [text] = await Promise.all(request.body.tee().map((each) => new Response(each).text()));',
  'a Response': 'const text = await new Response(request.body).text();',
  'a pipeline of Node':
    'let text = ""; const { pipeline } = process.getBuiltinModule("node:stream/promises"); await pipeline(request.body, async (chunks) => { for await (const chunk of chunks) text += Buffer.from(chunk); });',
  'its bytes': 'let text = ""; for (const byte of request.body) text += String.fromCharCode(byte);',
};

for (const [how, code] of Object.entries(STREAMS)) {
  test(`a body of bytes may be read by ${how}`, async (t) => {
    const { url } = await serve(t, `${code} return [text, await request.text()];`);

    t.deepEqual(await post(`${url}/f`, 'upload in parts', 'application/octet-stream'), [
      'upload in parts',
      'upload in parts',
    ]);
  });
}

/** Ways in which functions forward a request to another server. */
const FORWARDS: Readonly<Record<string, string>> = {
  'fetch with the body':
    'fetch(target, { method: request.method, headers: request.headers, body: request.body, duplex: "half" })',
  'a new Request': 'fetch(new Request(target, request))',
  'a copied Request': 'fetch(target, request)',
};

for (const [how, call] of Object.entries(FORWARDS)) {
  test(`a body forwarded by ${how} is sent as it was received`, async (t) => {
    const { url } = await serve(t, `const target = new URL('/echo', request.url); return ${call};`);

    for (const [type, sent] of [
      ['application/json', '{ "a" : [1] }'],
      ['application/json', '[ 1, 2 ]'],
      ['application/x-www-form-urlencoded', 'a=1&b=%20'],
      ['text/plain', 'h\u00e9llo'],
      ['application/octet-stream', 'bytes'],
    ]) {
      t.deepEqual(await post(`${url}/f`, sent ?? '', type), ['POST', type, sent]);
    }
  });
}

test('a parsed value has only the properties that were sent', async (t) => {
  const { url } = await serve(t, 'return [Object.entries(request.body), structuredClone(request.body)];');

  t.deepEqual(await post(`${url}/f`, '{"a":1}', 'application/json'), [[['a', 1]], { a: 1 }]);
  t.deepEqual(await post(`${url}/f`, '{"toString":1}', 'application/json'), [[['toString', 1]], { toString: 1 }]);
});

test('the standard methods work after request.body was read', async (t) => {
  const { url } = await serve(
    t,
    `const { a } = request.body; const copy = request.clone();
     return [a, await request.json(), request.bodyUsed, await copy.text(), request.body.a];`,
    {
      files: {
        'cloud-functions/form.js': `export const onRequest = async ({ request }) => {
          const length = request.body.length; return [length > 0, (await request.formData()).get('a')]; };`,
        'cloud-functions/bytes.js': `export const onRequest = async ({ request }) =>
          [request.body, (await request.clone().arrayBuffer()).byteLength, (await request.blob()).size];`,
      },
    },
  );
  const form = new FormData();
  form.append('a', '1');

  t.deepEqual(await post(`${url}/f`, '{"a":1}', 'application/json'), [1, { a: 1 }, true, '{"a":1}', 1]);
  t.deepEqual(await post(`${url}/form`, form), [true, '1']);
  t.deepEqual(await post(`${url}/bytes`, 'abc', 'text/plain'), ['abc', 3, 3]);
});

test('invalid JSON causes a 400 with the reason when body is read, and the connection stays open', async (t) => {
  const { connect } = await serve(t, 'return [request.body];');
  const peer = await connect();
  const send = (accept: string, body: string) =>
    peer.write(
      `POST /f HTTP/1.1\r\nHost: a\r\nAccept: ${accept}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );

  send('application/json', '{"a":<b>}');
  t.regex(
    await peer.readUntil('}\n'),
    /^HTTP\/1\.1 400 .*"code":"bad_body".*"message":"the body is not valid JSON: Unexpected token/s,
  );
  send('text/plain', '{');
  t.regex(await peer.readUntil('(line 1 column 2)\n'), /^HTTP\/1\.1 400 .*\n\nthe body is not valid JSON: .*/s);
  send('text/html', '{"a":<b>}');
  t.regex(await peer.readUntil('</html>\n'), /^HTTP\/1\.1 400 .*<pre>the body is not valid JSON: .*&#60;/s);
  send('*/*', '1');
  t.regex(await peer.readUntil('[1]'), /^HTTP\/1\.1 200 /);
});

test('a function may catch the error for invalid JSON and read the text', async (t) => {
  const { url } = await serve(
    t,
    'try { request.body; } catch (error) { return [error.message.slice(0, 27), await request.text()]; }',
  );

  t.deepEqual(await post(`${url}/f`, '{', 'application/json'), ['the body is not valid JSON:', '{']);
});

const STREAM = 'return [request.body instanceof ReadableStream, await request.text()];';

test('BODY=stream and config.body keep the standard stream, and config.body takes precedence', async (t) => {
  const onFile = (body: string) => `export const config = { body: ${body} };
    export const onRequest = async ({ request }) => { ${STREAM} };`;
  const files = {
    'cloud-functions/stream.js': onFile('"stream"'),
    'cloud-functions/parsed.js': onFile('"parsed"'),
    'cloud-functions/wrong.js': onFile('7'),
  };
  const parsed = await serve(t, STREAM, { files });
  const stream = await serve(t, STREAM, { files, parts: { body: 'stream' } });
  const postAll = async ({ url }: DialectServer) => {
    const answers = ['f', 'stream', 'parsed', 'wrong'].map((name) => post(`${url}/${name}`, 'x', 'text/plain'));
    return (await Promise.all(answers)).map((answer) => (answer as unknown[])[0]);
  };

  t.deepEqual(await postAll(parsed), [false, true, false, false]);
  t.deepEqual(await postAll(stream), [true, true, false, true]);
  t.deepEqual(parsed.reading.problems, [
    {
      severity: 'warning',
      file: 'cloud-functions/wrong.js',
      message: 'config.body must be "parsed" or "stream", got 7; "parsed" is used',
    },
  ]);
});

test('a key of config that is similar to body is reported with its place', async (t) => {
  const { reading } = await serve(t, '', {
    files: {
      'cloud-functions/g.ts': `export const config = {\n  runtime: 'nodejs',\n  bdoy: 'stream',\n};
        export const onRequest = () => new Response();`,
    },
  });

  t.deepEqual(reading.problems, [
    {
      severity: 'warning',
      file: 'cloud-functions/g.ts',
      line: 3,
      column: 3,
      message: 'bdoy is not used; did you mean body?',
    },
  ]);
});

test('a stream delivers each chunk as the client sends it', async (t) => {
  const { connect } = await serve(t, '', {
    files: {
      'cloud-functions/s.js': `export const config = { body: 'stream' };
        export const onRequest = ({ request }) => new Response(request.body);`,
    },
  });
  const peer = await connect();

  peer.write('POST /s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
  t.regex(await peer.readUntil('first'), /^HTTP\/1\.1 200 /);
  peer.write('6\r\nsecond\r\n0\r\n\r\n');
  t.true((await peer.readUntil('0\r\n\r\n')).includes('second'));
});

test('a client that sends Expect: 100-continue gets 100 before the handler is called', async (t) => {
  const { connect } = await serve(t, 'return [request.body.a];');
  const peer = await connect();

  peer.write(
    'POST /f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n',
  );
  t.regex(await peer.readHead(), /^HTTP\/1\.1 100 /);
  peer.write('{"a":1}');
  t.regex(await peer.readUntil('[1]'), /^HTTP\/1\.1 200 /);
});

test('a function is not called for a client that leaves during its upload', async (t) => {
  const server = await serve(t, 'globalThis.calledAfterLeave = true; return [request.body];');
  const peer = await server.connect();
  peer.write('POST /f HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
  await until(() => server.exchanges.length > 0, 'the request');

  peer.reset();

  await until(() => server.faults.length > 0, 'the end of the request');
  t.is(server.faults[0]?.code, 'client_left');
  t.false('calledAfterLeave' in globalThis);
});
