import httpProxy from '@fastify/http-proxy';
import Fastify from 'fastify';

const [port, originPort] = process.argv.slice(2).map(Number);

const app = Fastify();
app.register(httpProxy, { upstream: `http://127.0.0.1:${originPort}` });
await app.listen({ port, host: '127.0.0.1' });
