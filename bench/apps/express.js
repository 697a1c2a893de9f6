import express from 'express';

const app = express();

function hello(request, response) {
  response.json({ hello: request.query.name });
}

// nexthop gives an app its paths without the folder that it is in.
app.get('/hello', hello);
app.get('/app/hello', hello);

export default app;
