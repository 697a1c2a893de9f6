import { createServer } from 'node:http';
import fastProxy from 'fast-proxy';

const [port, originPort] = process.argv.slice(2).map(Number);

// Its documentation names undici as the faster of its two clients.
const { proxy } = fastProxy({ base: `http://127.0.0.1:${originPort}`, undici: true });
createServer((request, response) => proxy(request, response, request.url, {})).listen(port, '127.0.0.1');
