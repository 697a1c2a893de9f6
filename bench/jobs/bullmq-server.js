/** Turns each request into a job of BullMQ, with plain `node:http`: `node bullmq-server.js <port> <port of Redis>`. */
import { createServer } from 'node:http';
import { open } from './bullmq-system.js';

const [port = 0, redisPort = 0] = process.argv.slice(2).map(Number);
const { push } = await open({ redisPort });

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  await push(Buffer.concat(chunks).toString());
  response.writeHead(202).end();
}).listen(port, '127.0.0.1');
