import test from 'ava';
import { SiteLoads, SkippedLoadError } from '../../src/process/site-loads.ts';

test('a skipped file is not loaded', async (t) => {
  const loads = new SiteLoads();
  loads.use({ skipped: ['bad.js'], oneByOne: false });

  await t.throwsAsync(
    loads.run('bad.js', async () => t.fail()),
    { instanceOf: SkippedLoadError },
  );
  t.is(await loads.run('good.js', async () => 'good'), 'good');
});

test('one by one, a load begins when the one before it has ended, also if that fails', async (t) => {
  const loads = new SiteLoads();
  loads.use({ skipped: [], oneByOne: true });
  const order: string[] = [];
  const load = (name: string) => async () => {
    order.push(`${name} begins`);
    await undefined;
    order.push(`${name} ends`);
    if (name === 'a') throw new Error(name);
  };

  await Promise.allSettled(['a', 'b', 'c'].map((name) => loads.run(name, load(name))));

  t.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('one by one, a load that never ends does not keep the next one from beginning', async (t) => {
  const loads = new SiteLoads();
  loads.use({ skipped: [], oneByOne: true });
  void loads.run('waits.js', () => new Promise(() => {}));

  t.is(await loads.run('good.js', async () => 'good'), 'good');
});
