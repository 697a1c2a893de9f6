import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { untilResult } from '../helpers/until-result.ts';
import { serveWithWorkers } from '../helpers/worker-processes.ts';

test('two workers let the limit of a client pass together, and both forget a page that a request changes', async (t) => {
  const running = await serveWithWorkers(t, 2, { RATE_LIMIT: '20/1h' });
  /** On a new connection each. */
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${running.port}${path}`, { headers: { Connection: 'close' }, ...init });
  let clients = 0;
  // Without the counts of the other one each worker would let 20 pass. On a loaded machine counts travel slower than requests: then another client tries.
  await untilResult(
    async () => {
      const headers = { Connection: 'close', 'X-Forwarded-For': `198.51.100.${clients++ % 250}` };
      const statuses: number[] = [];
      for (let count = 0; count < 45; count++) {
        const response = await ask('/pid', { headers });
        statuses.push(response.status);
        await response.text();
        await delay(30);
      }
      const passed = statuses.filter((status) => status === 200).length;
      t.true(passed >= 20, `${passed}`);
      t.true(statuses.slice(-5).every((status) => status === 429));
      return passed;
    },
    (passed) => passed < 35,
  );

  const askAsOther = (method: string) =>
    ask('/kept', { method, headers: { Connection: 'close', 'X-Forwarded-For': `198.51.100.${clients++ % 250}` } });
  /** The pages of both workers, in which they are stored. */
  const findKept = async (others: ReadonlySet<string>): Promise<ReadonlySet<string>> => {
    const kept = new Set<string>();
    await untilResult(
      async () => {
        const response = await askAsOther('GET');
        const text = await response.text();
        if (response.headers.get('cache-status')?.includes('hit') && !others.has(text)) kept.add(text);
      },
      () => kept.size === 2,
    );
    return kept;
  };
  const before = await findKept(new Set());
  t.is((await askAsOther('POST')).status, 200);
  const after = await findKept(before);
  t.is(new Set([...before, ...after]).size, 4);
});
