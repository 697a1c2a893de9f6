import express from 'express';

const [port] = process.argv.slice(2).map(Number);

const app = express();
app.get('/hello', (_request, response) => response.type('text/plain').send('Hello from Node.js!'));
app.listen(port, '127.0.0.1');
