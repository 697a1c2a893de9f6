import { createServer, type RequestListener } from 'node:http';
import test from 'ava';
import { configureSqlite } from '../../../helpers/configured-store.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { formSite, submissionsIn, submit } from '../../../helpers/form-site.ts';
import { listen } from '../../../helpers/listen.ts';

const answer: RequestListener = (request, response) => {
  request.resume();
  response.end(`hop ${request.method} ${request.url} `);
};

test('a submission to a page that names an undeclared form gets 404, and error.log names the forms once', async (t) => {
  const app = 'export const onRequestPost = () => new Response("cloud");';
  const files = { 'public/app.html': 'app', 'cloud-functions/app.js': app };
  const [{ folder: site }, store, hop] = [await formSite(t, files), await configureSqlite(t), createServer(answer)];
  const env = { ...store.env, NEXT_HOP: await listen(t, hop) };
  const { url, close, errorLines } = await startEdge(t, { site, env });
  const send = async (path: string, name: string) => submit(url + path, { 'form-name': name });

  for (const path of ['/', '/contact', '/contact/', '/%63ontact.html', '/contact?a=1']) {
    const refused = await send(path, 'contcat');
    t.is(refused.status, 404, path);
    t.regex(await refused.text(), /no page of the site declares this form/);
  }
  t.is(await (await send('/app', 'contcat')).text(), 'cloud');
  t.regex(await (await send('/other', 'order')).text(), /^hop POST \/other /);
  for (let index = 0; index < 50; index++) await send('/', `name-${index}`);

  t.deepEqual(await submissionsIn(await store.open()), []);
  await close();
  const lines = (await errorLines()).filter(({ message }) => /declares the form/.test(String(message)));
  t.is(lines.length, 20, 'clients choose the names');
  t.like(lines[0], {
    level: 'warn',
    message: 'no page of the site declares the form "contcat"; did you mean contact?',
    forms: 'contact',
    path: '/',
  });
  t.like(lines[1], { message: 'no page of the site declares the form "order"', path: '/other' });
});
