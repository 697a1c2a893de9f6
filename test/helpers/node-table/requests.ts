import { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { type Cases, get, post, readAll, sends, show } from './case.ts';

const REPEATED = 'Cookie: a=1\r\nX-A: 1\r\ncookie: b=2\r\nx-a: 2\r\nAge: 1\r\nage: 2\r\nSet-Cookie: x\r\nAccept: a\r\n';
const CHUNKS =
  'POST /c HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-T: 1\r\nx-t: 2\r\n\r\n';
const LARGE = 'x'.repeat(300_000);

/** What listeners do with requests. */
export const REQUESTS: Cases = {
  'the head of a GET': {
    client: sends(get('/a?b=%20c', REPEATED)),
    listener(request, response, note) {
      const { method, url, headers, rawHeaders, headersDistinct, httpVersion, trailers, rawTrailers } = request;
      note(method, url, headers, rawHeaders, { ...headersDistinct }, httpVersion, trailers, rawTrailers);
      note(request.socket === response.socket, request.connection === request.socket, response.req === request);
      const { socket } = request;
      note(
        socket.remoteFamily,
        socket.remoteAddress,
        socket.readable,
        socket.writable,
        'encrypted' in socket,
        socket.timeout,
      );
      response.end();
    },
  },
  'each member of the request': {
    client: sends(get('/')),
    listener(request, response, note) {
      note(Object.getPrototypeOf(request) === IncomingMessage.prototype, request instanceof Readable);
      // Node learns after the event that there is no body; `joinDuplicateHeaders` is no option here.
      note(show(request, ['_read', 'complete', 'joinDuplicateHeaders']));
      response.end();
    },
  },
  'a GET that nothing reads': {
    client: sends(get('/')),
    listener: (_request, response) => response.end(),
  },
  'a GET that is read': {
    client: sends(get('/')),
    async listener(request, response, note) {
      note(await readAll(request), request.complete);
      response.end('done');
    },
  },
  'a body that is read by data': {
    client: sends(post('hello')),
    listener(request, response, note) {
      request.setEncoding('utf8');
      request.on('data', (text) => note('data', text));
      request.on('end', () => response.end(`${request.complete}`));
    },
  },
  'a body that is read by read()': {
    client: sends(post('hello')),
    listener(request, response, note) {
      request.on('readable', () => {
        for (;;) {
          const piece: unknown = request.read();
          if (piece === null) return;
          note(String(piece));
        }
      });
      request.on('end', () => response.end());
    },
  },
  'a body that is read in pieces of a given size': {
    async client(peer) {
      peer.write(post('hello world').slice(0, -11));
      for (const piece of ['h', 'ello', ' w', 'orld']) {
        await new Promise((resolve) => setImmediate(resolve));
        peer.write(piece);
      }
      await peer.readUntil('done');
    },
    listener(request, response, note) {
      request.setEncoding('latin1').on('readable', () => {
        for (let piece = request.read(4); piece !== null; piece = request.read(4)) note(piece);
      });
      request.on('end', () => response.end('done'));
    },
  },
  'a large body that is read after a while, in pieces of a given size': {
    client: sends(post(LARGE), 'done'),
    async listener(request, response, note) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      let length = 0;
      request.on('readable', () => {
        for (let piece = request.read(1000); piece !== null; piece = request.read(1000)) length += piece.length;
      });
      request.on('end', () => {
        note(length);
        response.end('done');
      });
    },
  },
  'a body in chunks with trailers': {
    client: sends(CHUNKS),
    async listener(request, response, note) {
      note(await readAll(request), request.trailers, request.rawTrailers, { ...request.trailersDistinct });
      response.end();
    },
  },
  'a body that is piped back': {
    client: sends(CHUNKS, '0\r\n\r\n'),
    listener: (request, response) => request.pipe(response),
  },
  'a body that is piped back by pipeline': {
    client: sends(CHUNKS, '0\r\n\r\n'),
    listener: (request, response) => pipeline(request, response),
  },
  'a body that arrives in pieces': {
    async client(peer) {
      peer.write(post('hello').slice(0, -5));
      for (const letter of 'hello') {
        peer.write(letter);
        await peer.readUntil('102 Processing');
      }
      await peer.readUntil('done');
    },
    async listener(request, response) {
      request.on('data', () => response.writeProcessing());
      await finished(request);
      response.end('done');
    },
  },
  'a small body that nothing reads': {
    client: sends(post('hello')),
    listener: (_request, response) => response.end('early'),
  },
  'a large body that is read': {
    client: sends(post(LARGE)),
    async listener(request, response, note) {
      note((await readAll(request)) === LARGE);
      response.end();
    },
  },
  'a body that is read while it is paused in between': {
    client: sends(post(LARGE)),
    listener(request, response, note) {
      let length = 0;
      request.on('data', (piece: Buffer) => {
        length += piece.length;
        request.pause();
        setImmediate(() => request.resume());
      });
      request.on('end', () => {
        note(length);
        response.end();
      });
    },
  },
  'a body that is read as a web stream': {
    client: sends(post('hello')),
    async listener(request, response, note) {
      note(await new Response(Readable.toWeb(request) as ReadableStream).text());
      response.end();
    },
  },
  'a body that is read after the response has ended': {
    async client(peer) {
      peer.write(post('hello').slice(0, -4));
      await peer.readUntil('early');
      peer.write('ello');
      peer.write(get('/next'));
      await peer.readUntil('next');
    },
    async listener(request, response, note) {
      if (request.url === '/next') return void response.end('next');
      const text = readAll(request);
      response.end('early');
      note(await text);
    },
  },
  'Expect: 100-continue': {
    client: sends(post('hello', 'Expect: 100-continue\r\n'), 'done'),
    async listener(request, response, note) {
      note(await readAll(request));
      response.end('done');
    },
  },
};
