import test from 'ava';
import { HOSTS, startHost } from '../helpers/host-servers.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { handshake } from '../helpers/tunnel-server.ts';

const EDGE = {
  'netlify/edge-functions/next.js': `export default async (request, context) => {
      const response = await context.next();
      response.headers.set('x-edge', String(response.status));
      return response;
    };
    export const config = { path: '/*' };`,
  'netlify/edge-functions/refuse.js':
    'export default () => new Response("no", { status: 403 }); export const config = { path: "/closed/*" };',
  'netlify/functions/fn.mjs': 'export default () => new Response("function"); export const config = { path: "/fn" };',
};

for (const [name, create] of Object.entries(HOSTS)) {
  test(`the host answers after an edge function that returns what next() gave: ${name}`, async (t) => {
    const host = await startHost(t, create, { site: await siteFolder(t, EDGE) });

    const hosts = await fetch(`${host.url}/hosts`);
    t.is(hosts.headers.get('x-edge'), '200');
    t.regex(await hosts.text(), /GET \/hosts/);
    const closed = await fetch(`${host.url}/closed/a`);
    t.is(`${closed.status} ${await closed.text()}`, '403 no');
    const ofFunction = await fetch(`${host.url}/fn`);
    t.is(`${await ofFunction.text()} ${ofFunction.headers.get('x-edge')}`, 'function 200');
  });
}

test('an edge function refuses a WebSocket that the host would open', async (t) => {
  const host = await startHost(t, HOSTS['Express 5'], { site: await siteFolder(t, EDGE) });
  host.server.on('upgrade', (request, socket, head) => {
    void host.middleware.upgrade(request, socket as never, head, () => t.fail('the host must not get it'));
  });
  const peer = await host.connect();

  peer.write(handshake('Sec-WebSocket-Version: 13').replace('/chat', '/closed/a'));

  t.regex(await peer.readHead(), /^HTTP\/1\.1 403 /);
});
