import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { runEntry } from '../helpers/astro-entry.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { answerAsHost, type Handle, HOSTS } from '../helpers/host-servers.ts';
import { listen } from '../helpers/listen.ts';
import { sharedByFile } from '../helpers/shared-by-file.ts';

const OURS = { adapter: 'nexthop/astro', options: { mode: 'middleware' } } as const;

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
  locals?: object,
) => Promise<void>;

/** The handler of one build for all tests. */
const IMPORT_HANDLER = { 5: importsHandler(5), 7: importsHandler(7) };

function importsHandler(major: 5 | 7): (t: ExecutionContext) => Promise<Handler> {
  return sharedByFile(async (owner) => {
    const root = await astroSite(owner, { major, ...OURS });
    const { handler } = await import(pathToFileURL(join(root, 'dist/server/entry.mjs')).href);
    return handler;
  });
}

function serve(t: ExecutionContext, listener: RequestListener): Promise<string> {
  return listen(t, createServer(listener));
}

for (const major of [5, 7] as const) {
  test(`Astro ${major}: in every host server the handler answers with pages and files, and passes other requests with their body`, async (t) => {
    const handler = await IMPORT_HANDLER[major](t);
    for (const [name, take] of Object.entries(HOSTS)) {
      const url = await serve(t, await take(handler as Handle));

      t.regex(await (await fetch(`${url}/users/1`)).text(), /User 1/, name);
      t.regex(await (await fetch(`${url}/about`)).text(), /Prerendered/, name);
      t.is((await fetch(`${url}/robots.txt`)).status, 200, name);
      const fallback = await fetch(`${url}/nothing`, { method: 'POST', body: 'x'.repeat(100_000) });
      t.is(fallback.headers.get('x-host'), 'yes', name);
      t.regex(await fallback.text(), /^host POST \/nothing [0-9a-f]{64}$/, name);
    }
  });

  test(`Astro ${major}: locals reach the page, and its middleware adds to them`, async (t) => {
    const handler = await IMPORT_HANDLER[major](t);
    const url = await serve(t, (request, response) => {
      void handler(request, response, () => void answerAsHost(request, response), { title: 'of the host' });
    });

    const page = await (await fetch(url)).text();

    t.regex(page, /"title":"of the host","middleware":"yes"/);
  });

  test(`Astro ${major}: without a next the handler answers with Astro's 404 page`, async (t) => {
    const handler = await IMPORT_HANDLER[major](t);
    const url = await serve(t, (request, response) => void handler(request, response));

    const answer = await fetch(`${url}/nothing`);

    t.is(answer.status, 404);
    t.regex(await answer.text(), /Astro knows no such page/);
    t.regex(await (await fetch(`${url}/users/1`)).text(), /User 1/);
    t.is((await fetch(`${url}/no%2Fthing`)).status, 404);
  });

  test(`Astro ${major}: Express does not take the handler for an error handler`, async (t) => {
    t.is((await IMPORT_HANDLER[major](t)).length, 0);
  });

  test(`Astro ${major}: a program with a session ends by itself when its server is closed`, async (t) => {
    const root = await astroSite(t, { major, ...OURS });
    const code = `const { createServer } = await import('node:http');
      const { handler } = await import(${JSON.stringify(join(root, 'dist/server/entry.mjs'))});
      const server = createServer((request, response) => handler(request, response));
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = 'http://127.0.0.1:' + server.address().port + '/counter';
      let answer = await fetch(url);
      // A busy machine may take longer to open the store of the sessions than a page waits.
      while (answer.status === 500) answer = await fetch(url);
      console.log('answered', answer.status, await answer.text());
      server.close();
      server.closeAllConnections();`;

    const running = await runEntry(t, root, { args: ['--input-type=module', '--eval', code] });

    await running.said(/answered 200/);
    t.is(await running.exited, 0);
  });
}
