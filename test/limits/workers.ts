import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { serveWithWorkers } from '../helpers/worker-processes.ts';

test('two workers let the limit of a client pass together', async (t) => {
  const running = await serveWithWorkers(t, 2, { RATE_LIMIT: '20/1h' });
  const statuses: number[] = [];

  // A new connection each, slower than the counts travel; without them each worker would let 20 pass.
  for (let count = 0; count < 45; count++) {
    const response = await fetch(`http://127.0.0.1:${running.port}/pid`, { headers: { Connection: 'close' } });
    statuses.push(response.status);
    await response.text();
    await delay(30);
  }

  const passed = statuses.filter((status) => status === 200).length;
  t.true(passed >= 20 && passed < 35, `${passed}`);
  t.true(statuses.slice(-5).every((status) => status === 429));
});
