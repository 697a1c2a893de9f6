import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'httpxy';

const [port, originPort] = process.argv.slice(2).map(Number);

const proxy = createProxyServer({
  target: `http://127.0.0.1:${originPort}`,
  agent: new Agent({ keepAlive: true }),
});
createServer((request, response) => {
  proxy.web(request, response).catch(() => response.writeHead(502).end());
}).listen(port, '127.0.0.1');
