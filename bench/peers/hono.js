import { serve } from '@hono/node-server';
import { Hono } from 'hono';

const [port] = process.argv.slice(2).map(Number);

const app = new Hono();
app.get('/hello', (context) => context.text('Hello from Node.js!'));
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' });
