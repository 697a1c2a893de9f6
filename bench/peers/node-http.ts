/** The floor of the function scenario: what `node:http` alone costs for this answer. */
import { createServer } from 'node:http';

const [port = 0] = process.argv.slice(2).map(Number);
const TEXT = 'Hello from Node.js!';

createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain;charset=UTF-8', 'Content-Length': TEXT.length });
  response.end(TEXT);
}).listen(port, '127.0.0.1');
