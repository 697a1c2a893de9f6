import { type Cases, codeOf, get, post, readAll, sends, sendsToEnd } from './case.ts';

/** What happens to connections. */
export const CONNECTIONS: Cases = {
  'HTTP/1.0': {
    client: sendsToEnd('GET / HTTP/1.0\r\nHost: a.test\r\n\r\n'),
    listener(_request, response) {
      response.write('until ');
      response.end('the end');
    },
  },
  'HTTP/1.0 with keep-alive': {
    client: sends('GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n', 'text'),
    listener: (_request, response) => response.end('text'),
  },
  'HTTP/1.0 with keep-alive and no length': {
    client: sendsToEnd('GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n'),
    listener(_request, response) {
      response.write('until ');
      response.end('the end');
    },
  },
  'Connection: close of the client': {
    client: sendsToEnd(get('/', 'Connection: close\r\n')),
    listener: (_request, response) => response.end('x'),
  },
  'Connection: close of the listener': {
    client: sendsToEnd(get('/')),
    listener: (_request, response) => response.setHeader('Connection', 'close').end('x'),
  },
  'a Connection header that was removed': {
    client: sends(get('/'), 'last'),
    listener(_request, response) {
      response.removeHeader('Connection');
      response.end('last');
    },
  },
  'shouldKeepAlive set to false': {
    client: sendsToEnd(get('/')),
    listener(_request, response) {
      response.shouldKeepAlive = false;
      response.end('last');
    },
  },
  'a response that is destroyed before its head': {
    client: sendsToEnd(get('/')),
    listener(_request, response, note) {
      note(response.destroy() === response, response.destroyed, response.writableEnded);
    },
  },
  'a response that is destroyed behind its head': {
    client: sendsToEnd(get('/')),
    listener(_request, response) {
      response.write('half');
      setImmediate(() => response.destroy(new Error('why')));
    },
  },
  'a request that is destroyed': {
    client: sendsToEnd(post('hello')),
    listener(request, _response, note) {
      request.destroy(new Error('why'));
      note(request.destroyed, request.aborted);
    },
  },
  'a socket that is destroyed': {
    client: sendsToEnd(get('/')),
    listener: (request) => request.socket.destroy(),
  },
  'a client that leaves without a response': {
    async client(peer) {
      peer.write(get('/'));
      await peer.readUntil('102 Processing');
      peer.reset();
    },
    listener: (_request, response) => response.writeProcessing(),
  },
  'a client that leaves in the middle of a response': {
    async client(peer) {
      peer.write(get('/'));
      await peer.readUntil('half');
      peer.reset();
    },
    listener: (_request, response) => response.write('half'),
  },
  'a client that leaves in the middle of its body': {
    async client(peer) {
      peer.write(post('hello').slice(0, -2));
      await peer.readUntil('102 Processing');
      peer.reset();
    },
    async listener(request, response, note) {
      request.once('data', () => response.writeProcessing());
      await readAll(request).catch((error) => note('reading', codeOf(error)));
    },
  },
  'a timeout of the response with a listener': {
    client: sends(get('/'), 'late'),
    listener: (_request, response) => response.setTimeout(20, () => response.end('late')),
  },
  'a timeout of the request without a listener': {
    client: sendsToEnd(get('/')),
    listener: (request) => request.setTimeout(20),
  },
  'requests in turn on one connection': {
    async client(peer) {
      for (const target of ['/1', '/2', '/3']) {
        peer.write(get(target));
        await peer.readUntil(target);
      }
    },
    listener(request, response, note) {
      const socket: typeof request.socket & { before?: number } = request.socket;
      const listeners = socket.listenerCount('close') + socket.listenerCount('timeout');
      socket.before ??= listeners;
      note(listeners - socket.before);
      response.end(request.url);
    },
  },
};
