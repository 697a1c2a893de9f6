import { createHash } from 'node:crypto';
import test from 'ava';
import { astroSite } from '../helpers/astro-site.ts';
import { answerAsHost, express, openMiddleware, serveHost } from '../helpers/host-servers.ts';

for (const major of [5, 7] as const) {
  test(`a build of Astro ${major} answers in Express, with the locals of the host`, async (t) => {
    const middleware = await openMiddleware(t, { site: await astroSite(t, { major }), trustedProxies: 'all' });
    const app = express();
    app.use((request, response, next) => middleware(request, response, next, { title: 'of the host' }));
    app.use(answerAsHost);
    const { url } = await serveHost(t, middleware, app);

    const page = await fetch(url, {
      headers: { 'True-Client-IP': '192.0.2.7', 'X-Forwarded-Proto': 'https' },
    });
    const facts = JSON.parse(/id="facts"[^>]*>([^<]*)</.exec(await page.text())?.[1] ?? '');
    t.like(facts, { title: 'of the host', middleware: 'yes', address: '192.0.2.7' });
    t.regex(facts.url, /^https:\/\/127\.0\.0\.1/);
    t.deepEqual(page.headers.getSetCookie(), ['a=1', 'b=2']);

    t.regex(await (await fetch(`${url}/about`)).text(), /<html/);
    t.is((await fetch(`${url}/robots.txt`)).headers.get('content-type'), 'text/plain; charset=utf-8');
  });

  test(`a path without a page of Astro ${major} is passed to the host with its body`, async (t) => {
    const middleware = await openMiddleware(t, { site: await astroSite(t, { major }) });
    const app = express();
    app.use(middleware);
    app.use(answerAsHost);
    const { url } = await serveHost(t, middleware, app);
    const body = Buffer.alloc(8 * 1024 ** 2, 'all of it ');

    const answer = await fetch(`${url}/nothing/here?a`, { method: 'POST', body, headers: { Origin: url } });

    t.is(await answer.text(), `host POST /nothing/here?a ${createHash('sha256').update(body).digest('hex')}`);
  });
}

test('100 requests to a build of Astro on one connection leak no listener', async (t) => {
  const middleware = await openMiddleware(t, { site: await astroSite(t, { major: 5 }) });
  const app = express();
  app.use(middleware);
  app.use(answerAsHost);
  const { connect } = await serveHost(t, middleware, app);
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const peer = await connect();

  for (let count = 0; count < 50; count++) {
    peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await peer.readUntil('</html>\r\n0\r\n\r\n');
    peer.write('GET /nothing/here HTTP/1.1\r\nHost: a\r\n\r\n');
    await peer.readUntil('host GET /nothing/here');
  }

  t.deepEqual(warnings.map(String), []);
});
