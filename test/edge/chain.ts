import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { scriptedHop } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';

test('several modules in a chain forward a request, each with its Via, all with the same id', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  const last = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const first = await startEdge(t, { env: { NEXT_HOP: last.url } });

  const answer = await first.exchange(
    'GET /x HTTP/1.1\r\nHost: a\r\nTrue-Client-IP: 203.0.113.7\r\nConnection: close\r\n\r\n',
  );

  t.true(answer.endsWith('ok'));
  t.is(hop.peers[0]?.received.match(/\r\nVia: 1\.1 nexthop/g)?.length, 2);
  const [[outer], [inner]] = await Promise.all([first.accessLines(1), last.accessLines(1)]);
  t.is(outer?.request_id, inner?.request_id);
  t.is(inner?.remote_addr, '203.0.113.7');
  t.regex(answer, new RegExp(`x-request-id: ${outer?.request_id}`));
});

test('a fault of the last module reaches the client as a normal response', async (t) => {
  const last = await startEdge(t, { env: { NEXT_HOP: 'http://127.0.0.1:1' } });
  const first = await startEdge(t, { env: { NEXT_HOP: last.url } });

  const answer = await first.exchange('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 502 .*hop_unreachable/s);
  const [[outer], [inner]] = await Promise.all([first.accessLines(1), last.accessLines(1)]);
  t.like(outer, { status: '502', upstream_status: '502', fault: '' });
  t.like(inner, { status: '502', upstream_status: '', fault: 'hop_unreachable' });
});

test('a client that leaves ends the request in every module of the chain', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const last = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const first = await startEdge(t, { env: { NEXT_HOP: last.url } });
  const client = await first.connect();
  client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  const [peer] = await hop.connections(1);

  client.reset();

  await peer?.until(() => peer.ended || peer.closed !== undefined, 'the end of the request');
  t.is((await last.accessLines(1))[0]?.status, '499');
});

test('a function of the last module answers its route, and other requests are forwarded', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\norigin');
  });
  const site = await siteFolder(t, {
    'cloud-functions/f.ts':
      'export const onRequestGet = ({ clientIp }: { clientIp: string }) => new Response(clientIp);',
  });
  const last = await startEdge(t, { site, env: { NEXT_HOP: hop.url } });
  const first = await startEdge(t, { env: { NEXT_HOP: last.url } });
  const head = 'Host: a\r\nTrue-Client-IP: 203.0.113.7\r\nConnection: close\r\n\r\n';

  t.regex(await first.exchange(`GET /f HTTP/1.1\r\n${head}`), /203\.0\.113\.7$/);
  t.true(
    (await first.exchange(`POST /f HTTP/1.1\r\nContent-Length: 0\r\n${head}`)).endsWith('origin'),
    'no handler for POST',
  );
});
