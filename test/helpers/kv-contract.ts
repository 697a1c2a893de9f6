import test from 'ava';
import type { PrepareStore } from './prepare-store.ts';
import { untilResult } from './until-result.ts';

/** The contract of key-value stores, as tests. `name`: the store's name. */
export function testKv(name: string, prepare: PrepareStore): void {
  test.serial(`${name}: a value is returned unchanged, with any bytes`, async (t) => {
    const open = await prepare(t);
    const kv = (await open()).kv('things');
    const elsewhere = (await open()).kv('things');
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    for (const value of [new Uint8Array(0), every, Buffer.alloc(1024 * 1024, every), every.subarray(3, 9)]) {
      await kv.put('key', value);

      const got = await elsewhere.get('key');

      t.true(got instanceof Uint8Array);
      t.true(Buffer.from(value).equals(got ?? Buffer.from('none')));
    }
  });

  test.serial(`${name}: get returns undefined for a key that was never put or was deleted`, async (t) => {
    const kv = (await (await prepare(t))()).kv('things');
    await kv.put('key', Buffer.from('x'));

    await kv.delete('key');
    await kv.delete('key');

    t.is(await kv.get('key'), undefined);
    t.is(await kv.get('Key'), undefined);
    t.deepEqual(await kv.list('', 10), []);
  });

  test.serial(`${name}: an expired entry is neither returned nor listed`, async (t) => {
    const kv = (await (await prepare(t))()).kv('things');
    const putAtMs = Date.now();
    await kv.put('short', Buffer.from('x'), 200);
    await kv.put('long', Buffer.from('x'), 120_000);

    await untilResult(
      () => kv.get('short'),
      (value) => value === undefined,
    );

    t.true(Date.now() >= putAtMs + 200);
    t.deepEqual(await kv.list('', 10), ['long']);
    t.truthy(await kv.get('long'));
  });

  test.serial(`${name}: a later put replaces or removes the lifetime`, async (t) => {
    const kv = (await (await prepare(t))()).kv('things');
    for (const key of ['stays', 'longer', 'witness']) await kv.put(key, Buffer.from('old'), 150);

    await kv.put('stays', Buffer.from('new'));
    await kv.put('longer', Buffer.from('new'), 120_000);
    await untilResult(
      () => kv.get('witness'),
      (value) => value === undefined,
    );

    t.is(Buffer.from((await kv.get('stays')) ?? []).toString(), 'new');
    t.truthy(await kv.get('longer'));
    t.deepEqual(await kv.list('', 10), ['longer', 'stays']);

    await kv.put('stays', Buffer.from('newest'), 30);
    await untilResult(
      () => kv.get('stays'),
      (value) => value === undefined,
    );
    t.deepEqual(await kv.list('', 10), ['longer']);
  });

  test.serial(`${name}: an expired entry can be put again`, async (t) => {
    const kv = (await (await prepare(t))()).kv('things');
    await kv.put('key', Buffer.from('old'), 1);
    await untilResult(
      () => kv.get('key'),
      (value) => value === undefined,
    );

    await kv.put('key', Buffer.from('new'));

    t.true(Buffer.from('new').equals((await kv.get('key')) ?? Buffer.alloc(0)));
    t.deepEqual(await kv.list('', 10), ['key']);
  });

  test.serial(`${name}: keys are listed by prefix, in byte order, in pages`, async (t) => {
    const kv = (await (await prepare(t))()).kv('things');
    // In UTF-16, U+FF5E sorts after U+1F600; in UTF-8, before it.
    const sorted = ['', ' ', 'A', 'a', 'a/1', 'a/10', 'a/2', 'a0', 'b', 'é', '\uff5e', '\uff5e1', '\u{1f600}'];
    for (const key of sorted.toReversed()) await kv.put(key, Buffer.from(key));

    t.deepEqual(await kv.list('', 100), sorted);
    t.deepEqual(await kv.list('', 4), sorted.slice(0, 4));
    t.deepEqual(await kv.list('', 4, 'a'), sorted.slice(4, 8));
    t.deepEqual(await kv.list('', 100, 'a/11'), sorted.slice(6));
    t.deepEqual(await kv.list('', 100, '\u{1f600}'), []);
    t.deepEqual(await kv.list('a', 100), ['a', 'a/1', 'a/10', 'a/2', 'a0']);
    t.deepEqual(await kv.list('a/', 2, 'a/1'), ['a/10', 'a/2']);
    t.deepEqual(await kv.list('a/', 10, 'A'), ['a/1', 'a/10', 'a/2']);
    t.deepEqual(await kv.list('a/', 10, 'b'), []);
    t.deepEqual(await kv.list('\uff5e', 10), ['\uff5e', '\uff5e1']);
    t.deepEqual(await kv.list('c', 10), []);
  });

  test.serial(`${name}: pages skip expired entries and are still full`, async (t) => {
    const kv = (await (await prepare(t))()).kv('things');
    for (let count = 0; count < 60; count++) {
      await kv.put(`key ${String(count).padStart(2, '0')}`, Buffer.from('x'), count < 50 ? 1 : undefined);
    }
    await untilResult(
      () => kv.get('key 49'),
      (value) => value === undefined,
    );

    t.deepEqual(await kv.list('key', 3), ['key 50', 'key 51', 'key 52']);
  });

  test.serial(`${name}: entries of one namespace are not in another one`, async (t) => {
    const store = await (await prepare(t))();
    const names = ['a', 'a:b', 'a*', 'ab', 'A', ''];
    for (const namespace of names) await store.kv(namespace).put('b:key', Buffer.from(namespace));
    await store.kv('a').put('key', Buffer.from('other'));

    for (const namespace of names) {
      t.true(Buffer.from(namespace).equals((await store.kv(namespace).get('b:key')) ?? Buffer.from('none')));
    }
    t.deepEqual(await store.kv('a:b').list('', 10), ['b:key']);
    await store.kv('a').delete('b:key');
    t.truthy(await store.kv('ab').get('b:key'));
    t.deepEqual(await store.kv('a').list('', 10), ['key']);
  });

  test.serial(`${name}: keys may have any characters`, async (t) => {
    const kv = (await (await prepare(t))()).kv('things');
    const keys = [
      ...['*', '?', '[a-z]', 'a*b', '\\', '%', '_', '{a}', "'", '"', ':', '::', 'a b', ' ', '\n', '\0', 'a\0b'],
      ...['ключ', '鍵', '🔑🔑', 'e\u0301', 'é', '__proto__', 'x'.repeat(512), '鍵'.repeat(170), '-1', '1e3'],
    ];
    for (const key of keys) await kv.put(key, Buffer.from(`of ${key}`));

    for (const key of keys) {
      t.true(Buffer.from(`of ${key}`).equals((await kv.get(key)) ?? Buffer.alloc(0)), JSON.stringify(key));
      t.true((await kv.list(key, 100)).includes(key), JSON.stringify(key));
    }
    t.deepEqual(await kv.list('*', 10), ['*']);
    t.deepEqual(await kv.list('[', 10), ['[a-z]']);
    t.deepEqual(await kv.list('_', 10), ['_', '__proto__']);
    t.is((await kv.list('', 100)).length, keys.length);
  });

  test.serial(`${name}: a store that is opened later has the values`, async (t) => {
    const open = await prepare(t);
    const first = await open();
    await first.kv('things').put('key', Buffer.from('kept'));
    await first.close();

    const value = await (await open()).kv('things').get('key');

    t.is(Buffer.from(value ?? []).toString(), 'kept');
    t.like(await t.throwsAsync(first.kv('things').get('key')), { code: 'store_unavailable' });
  });
}
