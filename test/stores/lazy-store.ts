import test from 'ava';
import { LazyStore } from '../../src/stores/lazy-store.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { sqliteFolder } from '../helpers/sqlite-store.ts';

test('a warmed store is opened once and answers', async (t) => {
  const folder = await sqliteFolder(t);
  let opened = 0;
  const store = new LazyStore(() => {
    opened++;
    return folder.open();
  });
  t.is(opened, 0);

  await store.warm();
  await store.warm();

  t.is(opened, 1);
  t.deepEqual(await store.queue.ledger.counts(), { waiting: 0, running: 0, dead: 0 });
});

test('warming ends for a store that cannot be opened and for one that never answers', async (t) => {
  const broken = new LazyStore(() => {
    throw new Error('no store');
  });
  const folder = await sqliteFolder(t);
  const real = folder.open();
  const silent = new LazyStore(() => ({
    ...real,
    queue: Object.assign(Object.create(real.queue), {
      ledger: { ...real.queue.ledger, find: () => new Promise(() => {}) },
    }),
  }));
  const before = performance.now();

  await broken.warm();
  await silent.warm();

  const tookMs = performance.now() - before;
  t.true(tookMs > 4900 && tookMs < SOON_MS, `it took ${tookMs} ms`);
});
