import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy-3';

const [port, originPort] = process.argv.slice(2).map(Number);

const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${originPort}`,
  agent: new Agent({ keepAlive: true }),
});
proxy.on('error', (_error, _request, response) => response.writeHead(502).end());
createServer((request, response) => proxy.web(request, response)).listen(port, '127.0.0.1');
