/** The floor of any answer in Node: plain sockets that write a fixed text for each request, without reading it. */
import { createServer } from 'node:net';

const [port = 0] = process.argv.slice(2).map(Number);
const TEXT = 'Hello from Node.js!';
const LINES = [
  'HTTP/1.1 200 OK',
  'Content-Type: text/plain;charset=UTF-8',
  'section-io-id: 9b2f0c5d1e6a47f38c0b7d2e5a914f60',
  'Date: Mon, 30 Nov 2026 00:00:00 GMT',
  `Content-Length: ${TEXT.length}`,
  'Connection: keep-alive',
  'Keep-Alive: timeout=5',
];
const ANSWER = `${LINES.join('\r\n')}\r\n\r\n${TEXT}`;

createServer({ noDelay: true }, (socket) => {
  // wrk sends each request in one piece.
  socket.on('data', (bytes) => {
    if (bytes.indexOf('\r\n\r\n') >= 0) socket.write(ANSWER, 'latin1');
  });
  socket.on('error', () => undefined);
}).listen(port, '127.0.0.1');
