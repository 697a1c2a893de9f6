import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import test, { type ExecutionContext } from 'ava';
import { bareServer, type NodeListener, pairServer } from '../helpers/node-servers.ts';

interface Fixture {
  readonly APPS: Readonly<Record<string, () => NodeListener | Promise<NodeListener>>>;
}

// The packages have no types.
const { APPS } = createRequire(import.meta.url)('../fixtures/node-apps.js') as Fixture;

const JSON_BODY = '{"a":["é",1]}';
const LARGE = 'x'.repeat(200_000);

const FORM = 'Content-Type: multipart/form-data; boundary=edge\r\n';
/** The id of the fixture's session, signed with its secret. */
const SESSION = `s%3Aid.${encodeURIComponent(createHmac('sha256', 'a').update('id').digest('base64').replace(/=+$/, ''))}`;

const REQUESTS: Readonly<Record<string, string>> = {
  'a GET': get('GET', '/json?a=1&b=%20'),
  'a GET for gzip': get('GET', '/json?a=1', 'Accept-Encoding: gzip\r\n'),
  'a HEAD': get('HEAD', '/json?a=1'),
  'a GET of a stream': get('GET', '/stream'),
  'a HEAD of a stream': get('HEAD', '/stream'),
  'a GET of a file': get('GET', '/file'),
  'a GET of a part of a file': get('GET', '/file', 'Range: bytes=3-9\r\n'),
  'a redirect': get('GET', '/redirect'),
  'a GET of nothing': get('GET', '/nothing'),
  'a GET that fails': get('GET', '/fails'),
  OPTIONS: get('OPTIONS', '/json'),
  'a POST of JSON': post('/echo', JSON_BODY, 'Content-Type: application/json\r\n'),
  'a POST of broken JSON': post('/echo', '{"a', 'Content-Type: application/json\r\n'),
  'a POST of too much JSON': post('/echo', `"${LARGE}"`, 'Content-Type: application/json\r\n'),
  'a POST of many bytes': post('/pipe', LARGE.slice(0, 50_000), 'Content-Type: application/octet-stream\r\n'),
  'a POST of nothing': post('/echo', '', 'Content-Type: application/json\r\n'),
  'a POST in chunks':
    'POST /pipe HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'a GET of events': get('GET', '/events'),
  'a GET of events for gzip': get('GET', '/events', 'Accept-Encoding: gzip\r\n'),
  'a GET without a session': get('GET', '/session'),
  'a GET with a session': get('GET', '/session', `Cookie: connect.sid=${SESSION}\r\n`),
  'an upload of forms': post('/upload', formOf('hello', 'é'), FORM),
  'a large upload of forms': post('/upload', formOf(LARGE, LARGE), FORM),
  'an upload of more files than are taken': post('/upload', formOf('a', 'b', 'c'), FORM),
  'an upload of forms without an end': post('/upload', formOf('hello').slice(0, -20), FORM),
  'an upload of forms after 100 Continue': post('/upload', formOf('hello'), `${FORM}Expect: 100-continue\r\n`),
  'a GET of HTTP/1.0': 'GET /stream HTTP/1.0\r\nHost: a.test\r\n\r\n',
};

/** A form with a field and these files. */
function formOf(...files: readonly string[]): string {
  const parts = files.map(
    (text, index) => `; name="file"; filename="${index}.txt"\r\nContent-Type: text/plain\r\n\r\n${text}`,
  );
  const all = [...parts, '; name="field"\r\n\r\nvalue'];
  return `${all.map((part) => `--edge\r\nContent-Disposition: form-data${part}\r\n`).join('')}--edge--\r\n`;
}

function get(method: string, target: string, headers = ''): string {
  return `${method} ${target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n${headers}\r\n`;
}

function post(target: string, body: string, headers: string): string {
  const bytes = Buffer.from(body).toString('latin1');
  return `${get('POST', target, `${headers}Content-Length: ${bytes.length}\r\n`)}${bytes}`;
}

/** All bytes that the client receives, without the date and the differences that docs/decisions/wire.md lists. */
async function answerOf(t: ExecutionContext, start: typeof bareServer, listener: NodeListener, bytes: string) {
  const server = await start(t, listener);
  const peer = await server.connect();
  peer.write(bytes);
  // An app that sets `Connection: keep-alive` keeps node:http from closing.
  await peer.until(() => peer.ended || peer.received.endsWith('0\r\n\r\n'));
  return peer.received
    .replace(/^(Date|Last-Modified|ETag): .*$/gim, '$1: …')
    .replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')
    .replace(/^Connection: .*\r\n/im, '');
}

for (const [framework, toListener] of Object.entries(APPS)) {
  test(`${framework} answers as in node:http`, async (t) => {
    const listener = await toListener();
    for (const [title, bytes] of Object.entries(REQUESTS)) {
      const bare = await answerOf(t, bareServer, listener, bytes);
      t.is(await answerOf(t, pairServer, listener, bytes), bare, title);
      t.true(bare.startsWith('HTTP/1.1 '), title);
    }
  });
}
