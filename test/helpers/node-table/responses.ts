import { ServerResponse } from 'node:http';
import { Stream } from 'node:stream';
import { type Cases, codeOf, get, post, sends, show } from './case.ts';

/** What listeners do with responses. */
export const RESPONSES: Cases = {
  'each member of the response': {
    client: sends(get('/')),
    listener(_request, response, note) {
      note(Object.getPrototypeOf(response) === ServerResponse.prototype, response instanceof Stream);
      note(show(response, ['_maxRequestsPerSocket', '_onPendingData']));
      response.sendDate = false;
      response.setHeader('X-A', ['1', '2']).end('x');
      note(show(response, ['_maxRequestsPerSocket', '_onPendingData', '_eventsCount']));
    },
  },
  'a response to a HEAD': {
    client: sends(get('/').replace('GET', 'HEAD')),
    listener(_request, response, note) {
      note(response.write('not sent'));
      response.end('nor this');
    },
  },
  'a 204 with content': {
    client: sends(get('/')),
    listener: (_request, response) => response.writeHead(204, { 'X-A': '1' }).end('dropped'),
  },
  'a 304 with a length': {
    client: sends(get('/')),
    listener: (_request, response) => response.writeHead(304, { 'Content-Length': 5 }).end(),
  },
  'no Date': {
    client: sends(get('/')),
    listener(_request, response) {
      response.sendDate = false;
      response.end();
    },
  },
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
};

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
