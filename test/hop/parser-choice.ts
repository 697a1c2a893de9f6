import test from 'ava';
import { scriptedHop } from '../helpers/peer.ts';
import { startNexthop } from '../helpers/process.ts';

test("the environment cannot select undici's other parser, which rejects valid responses", async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.end('HTTP/1.0 200 \r\nContent-Length: 2\r\n\r\nok');
  });
  const running = await startNexthop(t, { env: { NEXT_HOP: hop.url, UNDICI_USE_MILO: '1' } });

  const response = await fetch(`http://127.0.0.1:${running.port}/x`);

  t.is(response.status, 200);
  t.is(await response.text(), 'ok');
});
