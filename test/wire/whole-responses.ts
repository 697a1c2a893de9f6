import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { bareServer, get, type NodeListener, pairServer, readResponse } from '../helpers/node-servers.ts';
import { until } from '../helpers/until.ts';

/** What code sees of a response, and of the one before it, on one connection. */
async function seenBy(t: ExecutionContext, start: typeof bareServer): Promise<unknown[]> {
  const seen: unknown[] = [];
  let before: ServerResponse | undefined;
  const membersOf = (response: ServerResponse) => ({
    ended: response.writableEnded,
    finished: response.writableFinished,
    closed: response.closed,
    destroyed: response.destroyed,
    headersSent: response.headersSent,
    hasSocket: response.socket !== null,
    length: response.writableLength,
    message: response.statusMessage,
  });
  const server = await start(t, (request, response) => {
    response.setHeader('X-A', 'a');
    if (before) seen.push(membersOf(before));
    seen.push(membersOf(response));
    before = response;
    response.end(request.url);
    const { hasSocket: _, length: __, ...members } = membersOf(response);
    seen.push(members);
  });
  const peer = await server.connect();
  for (const target of ['/1', '/2', '/3']) {
    peer.write(get(target));
    t.is((await readResponse(peer)).body, target);
    await until(() => before?.closed === true, 'the end of the response');
  }
  return seen;
}

test('a response that nothing listens to has the members of a response of node:http', async (t) => {
  t.deepEqual(await seenBy(t, pairServer), await seenBy(t, bareServer));
});

test('pipelined requests get their responses in order, and late listeners and callbacks are called', async (t) => {
  const called: string[] = [];
  const server = await pairServer(t, (request, response) => {
    response.end(request.url);
    response.on('finish', () => called.push(`finish ${request.url}`));
    response.end(() => called.push(`ended ${request.url}`));
    response.on('close', () => called.push(`close ${request.url}`));
  });
  const peer = await server.connect();
  const targets = Array.from({ length: 30 }, (_, at) => `/${at}`);
  peer.write(targets.map((target) => get(target)).join(''));
  for (const target of targets) t.is((await readResponse(peer)).body, target);
  await until(() => called.length === 90, 'the events of each response');
  t.deepEqual(
    called,
    targets.flatMap((target) => [`ended ${target}`, `finish ${target}`, `close ${target}`]),
  );
});

test('listeners of a response run in the asynchronous context of the code that ended it', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const server = await pairServer(t, (request, response) => {
    response.on('finish', () => seen.push(storage.getStore())).on('close', () => seen.push(storage.getStore()));
    storage.run(String(request.url), () => response.end('x'));
  });
  const peer = await server.connect();
  peer.write(get('/1') + get('/2') + get('/3'));
  await until(() => seen.length === 6, 'the events of each response');
  t.deepEqual(seen, ['/1', '/1', '/2', '/2', '/3', '/3']);
});

const CONTENTS: Readonly<Record<string, NodeListener>> = {
  'text that is not ASCII': (_request, response) => response.end('naïve – 日本'),
  'text in latin1': (_request, response) => response.end('naïve', 'latin1'),
  'text in hex': (_request, response) => response.end('6869', 'hex'),
  bytes: (_request, response) => response.end(Buffer.from([0, 200, 255, 10])),
  'a typed array': (_request, response) => response.end(new Uint8Array([0, 200, 255, 10]).subarray(1)),
  'text behind a header that is not ASCII': (_request, response) => response.setHeader('X-A', 'ï').end('ï'),
  'bytes behind a header that is not ASCII': (_request, response) =>
    response.setHeader('X-A', 'ï').end(Buffer.from('ï')),
  'a head of its own': (_request, response) => response.writeHead(201, 'Made', { 'X-A': ['1', '2'] }).end('x'),
  'nulls for encoding and callback': (_request, response) => response.end('x', null as never, null as never),
  'a response without content': (_request, response) => response.end(),
  'a corked response': (_request, response) => {
    response.cork();
    response.end('x');
  },
  'content in chunks': (_request, response) => {
    response.setHeader('Transfer-Encoding', 'chunked');
    response.end('x');
  },
  'strict length': (_request, response) => {
    response.strictContentLength = true;
    response.setHeader('Content-Length', 1).end('x');
  },
  'content behind an interim status': (_request, response) => {
    response.statusCode = 103;
    response.end('x');
  },
  'content behind a status that Node shortens': (_request, response) => response.writeHead(204.5).end('x'),
  'much text': (_request, response) => response.end('ï'.repeat(30_000)),
};

for (const [title, listener] of Object.entries(CONTENTS)) {
  test(`${title}, sent at once, is the same as in node:http`, async (t) => {
    const received = async (start: typeof bareServer) => {
      const peer = await (await start(t, listener)).connect();
      peer.write(get('/', 'Connection: close\r\n'));
      const text = await peer.readToEnd();
      return text.replace(/^Date: .*$/m, '');
    };
    t.is(await received(pairServer), await received(bareServer));
  });
}

/** What code may do in the turn in which it has ended its response. */
const CLOSINGS: Readonly<Record<string, NodeListener>> = {
  'destroys the response': (_request, response) => response.destroy(),
  'destroys the request': (request) => request.destroy(),
  'destroys the socket': (request) => request.socket.destroy(),
  'ends the socket': (request) => request.socket.end(),
  'destroys the socket after its writes': (request) => request.socket.destroySoon(),
};

for (const [title, close] of Object.entries(CLOSINGS)) {
  test(`a client gets the whole response of code that ${title} at once`, async (t) => {
    const server = await pairServer(t, (request, response) => {
      request.on('error', () => {});
      response.end(request.url);
      if (request.url === '/last') close(request, response);
    });
    const peer = await server.connect();
    // Responses in quick succession are held.
    peer.write(get('/').repeat(50) + get('/last'));
    t.true((await peer.readToEnd()).endsWith('\r\n\r\n/last'));
  });
}
