import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import test from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import type { NodeView, PairOwner, ResponseSink } from '../../src/contract/http-message.ts';
import { get, OWNER, post, readResponse } from '../helpers/node-servers.ts';
import { until } from '../helpers/until.ts';
import { answerFault, echo, wireServer } from '../helpers/wire-server.ts';

/** A server that passes each request as a view to `handle`. */
function viewServer(
  t: Parameters<typeof wireServer>[0],
  handle: (view: NodeView) => void,
  owner: Partial<PairOwner> = {},
) {
  return wireServer(t, (request, response) => {
    const view = response.toNode(request, request.target, { ...OWNER, ...owner });
    response.listen({ drained() {}, closed() {} });
    handle(view);
  });
}

test('rules of the site apply to the responses of a framework', async (t) => {
  const server = await viewServer(
    t,
    ({ pair: { request, response } }) => {
      response.setHeader('X-Set', 'set').setHeader('X-Gone', '1').setHeader('Set-Cookie', ['a=1', 'b=2']);
      if (request.url === '/given')
        response.writeHead(200, 'Fine', { 'X-Given': 'given', 'Content-Length': 1 }).end('x');
      else if (request.url === '/flat')
        response.writeHead(200, ['X-Given', 'given', 'X-Given', 'twice', 'Content-Length', '1']).end('x');
      else response.end('x');
    },
    {
      changesHead: true,
      toSentStatus: () => 404,
      applyLayers: (status, headers) => [
        ...headers.filter((_, at) => headers[at - (at % 2)] !== 'x-gone'),
        'X-Rule',
        String(status),
      ],
    },
  );
  const peer = await server.connect();
  for (const [target, given] of [
    ['/', []],
    ['/given', ['X-Given: given']],
    ['/flat', ['X-Given: given', 'X-Given: twice']],
  ] as const) {
    peer.write(get(target));
    const { head } = await readResponse(peer);
    const lines = head.split('\r\n').filter((line) => /^(?:HTTP|x-|set-)/i.test(line));
    t.deepEqual(lines, [
      'HTTP/1.1 404 Not Found',
      'X-Set: set',
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      ...given,
      'X-Rule: 404',
    ]);
  }
});

for (const [title, write] of [
  ['longer than its Content-Length', (response: ServerResponse) => response.setHeader('Content-Length', 2).end('long')],
  [
    'shorter than its Content-Length',
    (response: ServerResponse) => response.setHeader('Content-Length', 9).end('short'),
  ],
  ['destroyed', (response: ServerResponse) => response.destroy()],
] as const) {
  test(`a response that is ${title} is a fault, and another response can be written`, async (t) => {
    const server = await viewServer(
      t,
      ({ pair, response }) => write(pair.response.setHeader('X-App', '1')) && t.false(response.isHeadWritten),
      {
        failPair(fault) {
          faults.push(fault);
          return true;
        },
      },
    );
    const faults: Fault[] = [];
    const peer = await server.connect();
    peer.write(get('/'));
    await until(() => faults.length > 0, 'the fault');
    t.is(faults[0]?.origin, 'function');
  });
}

test('a fault replaces what the framework has set, and what the framework writes later is discarded', async (t) => {
  let late = 0;
  const server = await viewServer(t, ({ pair, response }) => {
    pair.response.setHeader('X-App', '1').setHeader('Content-Length', 99).setHeader('Connection', 'keep-alive');
    pair.mute(() => late++);
    pair.response.write('not sent');
    response.head(504, '', ['Content-Type', 'text/plain']);
    response.end('fault');
    pair.response.write('late', () => late++);
    t.is(pair.response.end('later'), pair.response);
    pair.response.setHeader('X-Late', '1').writeHead(200);
  });
  const peer = await server.connect();
  peer.write(get('/') + get('/again'));
  for (const _ of [1, 2]) {
    const { head, body } = await readResponse(peer);
    t.regex(
      head,
      /^HTTP\/1\.1 504 [^\r]*\r\nContent-Type: text\/plain\r\nContent-Length: 5\r\nDate: [^\r]*\r\n(?:Connection: keep-alive\r\nKeep-Alive: timeout=20\r\n)?\r\n$/,
    );
    t.is(body, 'fault');
  }
  t.is(late, 4, 'the first late write of each, and its callback');
});

test('a fault is written through the wrappers that the framework has put around the response', async (t) => {
  // The package has no types.
  const compress = createRequire(import.meta.url)('compression')({ threshold: 0 });
  const server = await viewServer(t, ({ pair, response }) => {
    compress(pair.request, pair.response, () => {
      pair.mute();
      answerFault(new Fault('function_timeout'), response);
    });
  });
  const peer = await server.connect();
  peer.write(get('/', 'Accept-Encoding: gzip\r\n'));
  const head = await peer.readUntil('0\r\n\r\n');
  t.regex(head, /^HTTP\/1\.1 504 /);
  t.regex(head, /\r\nContent-Encoding: gzip\r\n/);
});

test('a body that is too large is reported to the owner and not read further', async (t) => {
  const pieces: Buffer[] = [];
  const server = await wireServer(t, (request, response) => {
    let sink: ResponseSink | undefined;
    const failPair = (fault: Fault): boolean => {
      if (sink) answerFault(fault, sink);
      return sink !== undefined;
    };
    const owner: PairOwner = { ...OWNER, failPair };
    const { pair, response: answer } = response.toNode(request, request.target, owner);
    sink = answer;
    request.body.limit(10);
    pair.request.on('data', (piece: Buffer) => pieces.push(piece));
  });
  const peer = await server.connect();
  peer.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  await until(() => pieces.length > 0, 'the first piece');
  peer.write('9\r\nhello you\r\n');
  const { head, body } = await readResponse(peer);
  t.regex(head, /^HTTP\/1\.1 413 /);
  t.is(body, 'body_too_large');
  t.is(await peer.readToEnd(), '');
  t.is(String(Buffer.concat(pieces)), 'hello');
});

test('the sink of a pair writes a whole response, in one write or in pieces', async (t) => {
  const server = await viewServer(t, ({ request, response }) => {
    response.head(200, 'Fine', ['X-A', '1', 'Connection', 'upgrade', 'Keep-Alive', 'x']);
    if (request.target === '/whole') response.end('whole');
    else {
      t.true(response.write('pie'));
      setImmediate(() => response.end('ces', ['X-T', '1', 'X-T', '2']));
    }
  });
  const peer = await server.connect();
  peer.write(get('/whole') + get('/pieces'));
  const { head, body } = await readResponse(peer);
  t.regex(
    head,
    /^HTTP\/1\.1 200 Fine\r\nX-A: 1\r\nContent-Length: 5\r\nDate: [^\r]*\r\nConnection: keep-alive\r\nKeep-Alive: timeout=20\r\n\r\n$/,
  );
  t.is(body, 'whole');
  t.regex(await peer.readHead(), /\r\nTransfer-Encoding: chunked\r\n/);
  t.is(await peer.readUntil('X-T: 2\r\n\r\n'), '3\r\npie\r\n3\r\nces\r\n0\r\nX-T: 1\r\nX-T: 2\r\n\r\n');
});

test('the sink of a pair sends its head at the end of the turn of the event loop, also if the content written with it is empty or dropped', async (t) => {
  const server = await viewServer(t, ({ request, response }) => {
    response.head(200, 'OK', []);
    response.write(request.method === 'HEAD' ? 'dropped' : '');
  });
  for (const bytes of [get('/'), get('/').replace('GET', 'HEAD')]) {
    const peer = await server.connect();
    peer.write(bytes);
    t.regex(await peer.readHead(), /^HTTP\/1\.1 200 OK\r\n/);
    t.is(peer.rest, '');
  }
});

test('the sink of a pair enforces its Content-Length', async (t) => {
  const server = await viewServer(t, ({ request, response }) => {
    response.head(200, '', ['Content-Length', '4']);
    response.write('ab');
    if (request.target === '/long') t.throws(() => response.end('cde'), { instanceOf: RangeError });
    else response.end('c');
  });
  const peer = await server.connect();
  peer.write(get('/short'));
  t.regex(await peer.readToEnd(), /\r\n\r\nabc$/);
  const other = await server.connect();
  other.write(get('/long'));
  await other.readUntil('ab');
});

test('the sink of a pair reports the same events as Node', async (t) => {
  const closed: boolean[] = [];
  const server = await wireServer(t, (request, response) => {
    const { pair, response: sink } = response.toNode(request, request.target, OWNER);
    sink.listen({ drained() {}, closed: (isWhole) => closed.push(isWhole) });
    t.deepEqual([sink.isHeadWritten, sink.isEnded, sink.isClosed, sink.status], [false, false, false, 0]);
    pair.response.writeHead(201).write('abc');
    t.deepEqual([sink.isHeadWritten, sink.isEnded, sink.status, sink.sentBytes], [true, false, 201, 3]);
    if (request.target === '/left') return;
    pair.response.end('de');
    t.deepEqual([sink.isEnded, sink.sentBytes], [true, 5]);
    t.throws(() => sink.head(200, '', []), { message: /second time/ });
    t.throws(() => sink.toNode(request, '/', OWNER), { message: /second time/ });
  });
  const peer = await server.connect();
  peer.write(get('/'));
  await peer.readUntil('0\r\n\r\n');
  await until(() => closed.length === 1, 'the end of the first');
  peer.write(get('/left'));
  await peer.readUntil('abc');
  peer.reset();
  await until(() => closed.length === 2, 'the end of the second');
  t.deepEqual(closed, [true, false]);
});

test('replaced headers appear in each form', async (t) => {
  const server = await viewServer(t, ({ pair, request }) => {
    t.is(pair.request.headers['x-a'], 'old');
    request.replaceHeaders(['Host', 'a', 'X-B', 'new', 'x-b', 'twice']);
    t.is(request.get('x-b'), 'new, twice');
    t.deepEqual(pair.request.headers, { host: 'a', 'x-b': 'new, twice' });
    t.deepEqual({ ...pair.request.headersDistinct }, { host: ['a'], 'x-b': ['new', 'twice'] });
    t.deepEqual(pair.request.rawHeaders, ['Host', 'a', 'X-B', 'new', 'x-b', 'twice']);
    pair.response.end();
  });
  const peer = await server.connect();
  peer.write(get('/', 'X-A: old\r\n'));
  t.regex(await peer.readHead(), / 200 /);
});

test('the body is read natively if no framework reads it', async (t) => {
  const server = await viewServer(t, ({ request, response }) => echo(request, response));
  const peer = await server.connect();
  peer.write(post('/', 'hello') + get('/next'));
  t.is((await readResponse(peer)).body, 'POST / hello');
  t.is((await readResponse(peer)).body, 'GET /next ');
});
