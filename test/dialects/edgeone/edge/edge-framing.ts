import test from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { complaints } from '../../../helpers/error-lines.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const HOST = 'Host: a\r\nConnection: close\r\n';
const FILE = 'edge-functions/[[default]].js';

/** Sends the request on in the way that the query names. */
const EDGE = `export async function onRequest({ request }) {
  const { method, headers, url } = request;
  if (url.endsWith('?empty')) return fetch(url, { method, headers });
  if (url.endsWith('?copied')) {
    const text = await request.clone().text();
    const response = await fetch(request);
    return new Response(text + ' ' + (await response.text()));
  }
  if (url.endsWith('?piped')) {
    return fetch(url, { method, headers, body: request.body.pipeThrough(new TransformStream()), duplex: 'half' });
  }
  if (url.endsWith('?longer')) return fetch(url, { method, headers, body: 'hello world' });
  const response = await fetch(request);
  if (url.endsWith('?long')) response.headers.set('content-length', '99');
  return response;
}`;

/** An app that answers with what it has read, or ends its connection itself. */
const APP = `export default function app(request, response) {
  if (request.url.endsWith('?socket')) { response.socket.end('nonsense'); return; }
  if (request.url.endsWith('?trailer')) {
    response.setHeader('Trailer', 'x-t');
    response.write('a');
    response.addTrailers({ 'x-t': '1' });
    response.end();
    return;
  }
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  let body = '';
  request.on('data', (chunk) => { body += chunk; });
  request.on('end', () => response.end([request.method, length, coding, body].join()));
}
app.handle = app;
app.use = () => {};`;

test('what an edge function sends on and returns is framed as what it is', async (t) => {
  const files = { [FILE]: EDGE, 'cloud-functions/[[default]].js': APP, 'package.json': '{}' };
  const edge = await startEdge(t, { site: await siteFolder(t, files) });
  const post = (query: string, body = 'hello') =>
    `POST /x?${query} HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n${body}`;

  t.regex(await edge.exchange(post('')), /\r\n\r\nPOST,5,,hello$/);
  t.regex(await edge.exchange(post('empty')), /\r\n\r\nPOST,,,$/);
  t.regex(await edge.exchange(post('longer')), /\r\n\r\nPOST,,chunked,hello world$/);
  t.regex(await edge.exchange(post('copied')), /hello POST,,chunked,hello$/);
  t.regex(await edge.exchange(post('piped')), /\r\n\r\nPOST,,chunked,hello$/);
  // Most of it is read after the request was sent on.
  t.is((await edge.exchange(post('piped', 'z'.repeat(500_000)))).split('z').length, 500_001);
  t.regex(await edge.exchange(post('trailer')), /Trailer: x-t\r\n.*\r\n\r\n1\r\na\r\n0\r\nx-t: 1\r\n\r\n$/s);
  t.regex(await edge.exchange(post('long')), /^HTTP\/1\.1 500 .*function_bad_answer/s);
  t.regex(await edge.exchange(post('socket')), /^HTTP\/1\.1 500 .*function_error/s);

  const lines = await complaints(edge, 2);
  t.deepEqual(
    lines.map(({ code, target }) => [code, target]),
    [
      ['function_bad_answer', FILE],
      ['function_error', FILE],
    ],
  );
  t.regex(String(lines[1]?.message), /cloud-functions\/\[\[default]]\.js ended its connection/);
});
