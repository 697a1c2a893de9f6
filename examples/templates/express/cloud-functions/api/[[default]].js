import express from 'express';
import { greet } from './_greet.ts';

const app = express();

app.get('/hello', (request, response) => {
  response.type('text').send(greet(request.query.name));
});

export default app;
