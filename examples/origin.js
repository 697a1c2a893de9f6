// A next hop to look at: answers every request with the request line and the header fields it received.
// On its own: node examples/origin.js [port]

import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

/** An HTTP server, not listening yet. */
export function createOrigin() {
  return createServer(async (request, response) => {
    let bodyBytes = 0;
    for await (const chunk of request) bodyBytes += chunk.length;

    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(`The next hop received:\n\n${toText(request)}\n(${bodyBytes} bytes of body)\n`);
  });
}

function toText({ method, url, httpVersion, rawHeaders }) {
  const fields = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    fields.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}\n`);
  }
  return `${method} ${url} HTTP/${httpVersion}\n${fields.join('')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const origin = createOrigin().listen(Number(process.argv[2] ?? 9000), () => {
    process.stdout.write(`The next hop listens on http://localhost:${origin.address().port}\n`);
  });
}
