import test from 'ava';
import { serveFunction } from '../../helpers/function-server.ts';

const APP = `
  import { Hono } from 'hono';
  import { streamText } from 'hono/streaming';
  import { setCookie, getCookie } from 'hono/cookie';
  const app = new Hono();
  app.get('/hello/:name', (c) => { setCookie(c, 'a', '1'); return c.text('hello ' + c.req.param('name') + (getCookie(c, 'b') ?? '')); });
  app.post('/echo', async (c) => c.json(await c.req.json(), 201));
  app.get('/stream', (c) => streamText(c, async (stream) => { await stream.write('a'); await stream.write('b'); }));
`;

const WAYS: Readonly<Record<string, string>> = {
  'that is the default export': `${APP} export default app;`,
  'in handle() of hono/netlify': `import { handle } from 'hono/netlify'; ${APP}
    app.get('/context', (c) => c.text(c.env.context.requestId)); export default handle(app);`,
};

for (const [where, text] of Object.entries(WAYS)) {
  test(`an app of Hono's ${where} responds`, async (t) => {
    const { url } = await serveFunction(t, text);

    const hello = await fetch(`${url}/hello/you`, { headers: { cookie: 'b=!' } });
    const echo = await fetch(`${url}/echo`, { method: 'POST', body: '{"a":1}' });
    const stream = await fetch(`${url}/stream`);
    const missing = await fetch(`${url}/missing`);

    t.deepEqual([await hello.text(), hello.headers.getSetCookie()], ['hello you!', ['a=1; Path=/']]);
    t.deepEqual([echo.status, await echo.json()], [201, { a: 1 }]);
    t.is(await stream.text(), 'ab');
    t.is(missing.status, 404);
  });
}

test("an app in handle() finds Netlify's context", async (t) => {
  const { url } = await serveFunction(t, WAYS['in handle() of hono/netlify'] ?? '');

  const answer = await fetch(`${url}/context`);

  t.is(await answer.text(), answer.headers.get('x-nf-request-id') ?? '');
});
