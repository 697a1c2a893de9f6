import { once } from 'node:events';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { ownBuildWithOptions } from '../helpers/astro-builds.ts';
import { runEntry, startEntry } from '../helpers/astro-entry.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { connectTo } from '../helpers/peer.ts';

const OURS = { adapter: 'nexthop/astro', options: { mode: 'standalone' } } as const;

for (const major of [5, 7] as const) {
  test(`Astro ${major}: after SIGTERM a response is completed, no connection is accepted, and the process exits with 0`, async (t) => {
    const server = await startEntry(t, await astroSite(t, { major, ...OURS }));
    const peer = await connectTo(t, server.port);
    peer.write('GET /api/stream?megabytes=50 HTTP/1.1\r\nHost: a\r\n\r\n');
    await peer.readHead();
    peer.socket.pause();

    server.child.kill('SIGTERM');
    await server.said(/SIGTERM: finishing running requests and jobs/);
    let bytes = 0;
    peer.socket.removeAllListeners('data').on('data', (piece: string) => {
      bytes += piece.length;
    });
    peer.socket.resume();
    await once(peer.socket, 'end');

    t.true(bytes > 49 * 1024 ** 2);
    t.is(await server.exited, 0);
    await t.throwsAsync(fetch(server.url));
  });

  test(`Astro ${major}: with a certificate the server uses TLS, and pages get https: as their scheme`, async (t) => {
    const certificate = await makeCertificate(t);
    const root = await astroSite(t, { major, ...OURS });
    const server = await startEntry(t, root, { env: certificate.env });

    const sent = request(`${server.url}/api/echo`, { ca: certificate.cert, servername: 'localhost' }).end();
    const [answer] = await once(sent, 'response');

    t.like(JSON.parse(await text(answer)), { url: `${server.url}/api/echo`, address: '127.0.0.1' });
    t.regex(server.url, /^https:/);
  });

  test(`Astro ${major}: without HOST and PORT the server listens where the site's configuration says`, async (t) => {
    const root = await astroSite(t, ownBuildWithOptions(major));

    const server = await startEntry(t, root, { env: { HOST: undefined, PORT: undefined } });

    t.regex(server.url, /^http:\/\/127\.0\.0\.3:/);
    t.not(server.port, 8080);
    t.is((await fetch(`${server.url}/users/1`)).status, 200);
  });
}

test('a port that is in use ends the process with 1 and says what to do', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as { port: number }; // it listens on a port
  const root = await astroSite(t, { major: 7, ...OURS });

  const running = await runEntry(t, root, { env: { PORT: String(port) } });

  t.is(await running.exited, 1);
  t.regex(running.output(), /nexthop: PORT is taken: stop the other server or set PORT to another one \(/);
});

test('an invalid setting ends the process with 78 and is named', async (t) => {
  const running = await runEntry(t, await astroSite(t, { major: 7, ...OURS }), { env: { NEXT_HOP: 'next hop' } });

  t.is(await running.exited, 78);
  t.regex(running.output(), /NEXT_HOP must be .*, got "next hop"/);
});

test('logs are written to stdout and stderr, or to the folder LOG_DIR', async (t) => {
  const root = await astroSite(t, { major: 7, ...OURS });
  const [here, there] = await Promise.all([
    startEntry(t, root),
    startEntry(t, root, { env: { LOG_DIR: join(root, 'log') } }),
  ]);

  await Promise.all([fetch(`${here.url}/users/1`), fetch(`${there.url}/users/1`)]);

  await here.said(/"request":"GET \/users\/1 HTTP\/1\.1"/);
  there.child.kill('SIGTERM');
  await there.exited;
  t.notRegex(there.output(), /GET \/users/);
});

test('with ASTRO_NODE_AUTOSTART disabled an imported build starts no server until startServer is called', async (t) => {
  const root = await astroSite(t, { major: 7, ...OURS });
  const entry = JSON.stringify(join(root, 'dist/server/entry.mjs'));
  const code = `const { startServer, options } = await import(${entry});
    const { server, done } = await startServer({ port: 0, host: '127.0.0.1' });
    const answer = await fetch('http://127.0.0.1:' + server.port + '/users/1');
    await server.stop();
    await Promise.all([done, server.closed()]);
    console.log(options.mode, server.host, answer.status);`;
  const args = ['--input-type=module', '--eval', code];

  const running = await runEntry(t, root, { env: { ASTRO_NODE_AUTOSTART: 'disabled' }, args });

  await running.said(/standalone 127\.0\.0\.1 200/);
  t.is(await running.exited, 0);
  t.notRegex(running.output(), /listens on/);
});
