// A next hop for experiments: answers every request with the request line and the headers that it received.
// On its own: node examples/origin.js [port]

import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

/** Creates an HTTP server that does not listen yet. */
export function createOrigin() {
  return createServer(async (request, response) => {
    let bodyBytes = 0;
    for await (const chunk of request) bodyBytes += chunk.length;

    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(`The next hop received:\n\n${toText(request)}\n(${bodyBytes} bytes of body)\n`);
  });
}

function toText({ method, url, httpVersion, rawHeaders }) {
  const headers = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}\n`);
  }
  return `${method} ${url} HTTP/${httpVersion}\n${headers.join('')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const origin = createOrigin().listen(Number(process.argv[2] ?? 9000), () => {
    process.stdout.write(`The next hop listens on http://localhost:${origin.address().port}\n`);
  });
}
