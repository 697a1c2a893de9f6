import { caught, codeOf, compareWithNode, get, post, readAll, sends, sendsToEnd } from '../helpers/node-table.ts';

compareWithNode({
  'writeHead with a reason and an object': {
    client: sends(get('/')),
    listener(_request, response, note) {
      note(response.headersSent);
      response.writeHead(299, 'So so', { 'X-A': '1', 'Set-Cookie': ['a=1', 'b=2'] });
      note(response.headersSent, response.statusMessage);
      response.end();
    },
  },
  'writeHead with a flat array': {
    client: sends(get('/')),
    listener: (_request, response) => response.writeHead(200, ['X-A', '1', 'x-a', '2', 'Content-Length', '0']).end(),
  },
  'writeHead over headers that are set': {
    client: sends(get('/')),
    listener(_request, response, note) {
      response.setHeader('X-A', '1').setHeader('X-B', '1').appendHeader('X-B', '2');
      response.writeHead(200, { 'x-a': '3' });
      note({ ...response.getHeaders() });
      response.end();
    },
  },
  'statusCode and statusMessage': {
    client: sends(get('/')),
    listener(_request, response) {
      response.statusCode = 418;
      response.statusMessage = 'Tea';
      response.end();
    },
  },
  'a response whose head is flushed': {
    async client(peer) {
      peer.write(post('hello').slice(0, -5));
      await peer.readHead();
      peer.write('hello');
      await peer.readUntil('0\r\n\r\n');
    },
    listener(request, response, note) {
      response.setHeader('Content-Type', 'text/event-stream').flushHeaders();
      note(response.headersSent);
      request.on('data', (piece) => response.write(`data: ${piece}\n\n`));
      request.on('end', () => response.end());
    },
  },
  'a response in pieces with encodings and callbacks': {
    client: sends(get('/'), '0\r\n\r\n'),
    listener(_request, response, note) {
      response.write('é', 'latin1', () => note('written'));
      response.write(Buffer.from('b'));
      response.write(new Uint8Array([99]));
      response.cork();
      response.write('d');
      response.write('e');
      response.uncork();
      response.end('66', 'hex', () => note('ended'));
    },
  },
  'a response with a length': {
    client: sends(get('/'), 'five5'),
    listener(_request, response) {
      response.setHeader('Content-Length', 5);
      response.write('five');
      response.end('5');
    },
  },
  trailers: {
    client: sends(get('/'), 'X-T: 1\r\n\r\n'),
    listener(_request, response) {
      response.setHeader('Trailer', 'X-T');
      response.write('x');
      response.addTrailers({ 'X-T': '1' });
      response.end();
    },
  },
  'interim responses': {
    client: sends(get('/'), 'x'),
    listener(_request, response) {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.end('x');
    },
  },
  'Expect: 100-continue': {
    client: sends(post('hello', 'Expect: 100-continue\r\n'), 'done'),
    async listener(request, response, note) {
      note(await readAll(request));
      response.end('done');
    },
  },
  'a response that is large': {
    client: sends(get('/'), 'done'),
    listener(_request, response, note) {
      const chunk = Buffer.alloc(8 * 1024 ** 2, 'a');
      note(response.write(chunk), response.writableNeedDrain, response.writableHighWaterMark);
      response.once('drain', () => {
        note(response.writableNeedDrain, response.writableLength);
        response.end('done');
      });
    },
  },
  'errors of a response': {
    client: sends(get('/')),
    listener(_request, response, note) {
      for (const wrong of [
        () => response.setHeader('bad name', '1'),
        () => response.setHeader('X-A', 'a\nb'),
        () => response.writeHead(99),
        () => response.write(7),
        () => response.write(null),
        () => response.writeHead(200, { 'X-A': undefined as never }),
      ]) {
        note(codeOf(caught(wrong)));
      }
      response.end();
      note(codeOf(caught(() => response.setHeader('X-A', '1'))), codeOf(caught(() => response.writeHead(200))));
      response.write('late', (error) => note('late', codeOf(error)));
      note(response.end() === response);
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
      note(request.socket.listenerCount('close'), request.socket.listenerCount('timeout'));
      response.end(request.url);
    },
  },
  'on a finished response': {
    client: sends(get('/')),
    listener(request, response, note) {
      response.on('finish', () => {
        note(
          response.socket,
          response.writableFinished,
          response.writableEnded,
          response.closed,
          request.socket.destroyed,
        );
      });
      response.on('close', () => note(response.closed, response.destroyed, request.socket.destroyed));
      response.end('x');
    },
  },
});
