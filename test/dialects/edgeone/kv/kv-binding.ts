import test from 'ava';
import type { Kv } from '../../../../src/contract/store.ts';
import { KvBinding } from '../../../../src/dialects/edgeone/kv/kv-binding.ts';
import { embeddedStore } from '../../../helpers/embedded-store.ts';
import type { PrepareStore } from '../../../helpers/prepare-store.ts';
import { type RunningRedis, runRedis } from '../../../helpers/redis-server.ts';
import { openStore } from '../../../helpers/redis-store.ts';

let redis: RunningRedis;
test.before(async () => {
  redis = await runRedis();
});
test.after.always(() => redis?.stop());

const STORES: Readonly<Record<string, PrepareStore>> = {
  sqlite: embeddedStore,
  redis: async (t) => {
    const { store } = openStore(t, redis.url);
    return async () => store;
  },
};

// Serial: a busy event loop could delay a store beyond its time limit of one second.
for (const [name, prepare] of Object.entries(STORES)) {
  test.serial(`${name}: a value of each kind can be read as each type`, async (t) => {
    const kv = await bindingOn((await (await prepare(t))()).kv('a'));
    const bytes = new TextEncoder().encode('{"é":1}');
    const inside = new Uint8Array([0, ...bytes, 0]).subarray(1, -1);

    for (const value of [
      '{"é":1}',
      bytes,
      bytes.buffer,
      inside,
      new DataView(bytes.buffer),
      new Blob([bytes]).stream(),
    ]) {
      await kv.put('key', value);

      t.is(await kv.get('key'), '{"é":1}');
      t.is(await kv.get('key', 'text'), '{"é":1}');
      t.deepEqual(await kv.get('key', { type: 'json' }), { é: 1 });
      t.deepEqual(await kv.get('key', 'json'), { é: 1 });
      t.deepEqual(new Uint8Array((await kv.get('key', 'arrayBuffer')) as ArrayBuffer), bytes);
      t.is(await new Response((await kv.get('key', { type: 'stream' })) as ReadableStream).text(), '{"é":1}');
    }
  });

  test.serial(`${name}: keys are listed page by page, with their prefix, in order`, async (t) => {
    const kv = await bindingOn((await (await prepare(t))()).kv('a'));
    const names = Array.from({ length: 300 }, (_, index) => `u_${String(index).padStart(3, '0')}`);
    await Promise.all([...names, 'other'].map((key) => kv.put(key, '')));

    const first = await kv.list({ prefix: 'u_' });
    const rest = await kv.list({ prefix: 'u_', limit: 1000, cursor: first.cursor });
    const exact = await kv.list({ prefix: 'u_29', limit: '10' });

    t.is(first.keys.length, 256);
    t.deepEqual([first.complete, rest.complete, rest.cursor], [false, true, undefined]);
    t.deepEqual(
      [...first.keys, ...rest.keys].map(({ key }) => key),
      names,
    );
    t.true(first.keys.every((listed) => listed.key === listed.name));
    t.deepEqual([exact.keys.length, exact.complete], [10, true]);
    t.is((await kv.list()).keys.length, 256);
  });

  test.serial(
    `${name}: keys may have any characters but control characters, and are listed by any prefix in order of their bytes`,
    async (t) => {
      const kv = await bindingOn((await (await prepare(t))()).kv('a'));
      // As UTF-16, U+FF5E sorts after U+1F600; as UTF-8, before.
      const sorted = [
        ' ',
        '%',
        'a b',
        'a-b',
        'a.b',
        'a/b',
        'a/b c',
        'user:',
        'user:1',
        'user:10',
        'user:2',
        'x'.repeat(512),
        '{a}',
        '键',
        '键:1',
        '～',
        '😀',
      ];
      for (const key of sorted.toReversed()) await kv.put(key, `of ${key}`);

      for (const key of sorted) t.is(await kv.get(key), `of ${key}`);
      for (const limit of [1, 2, 5, sorted.length - 1, sorted.length]) {
        t.deepEqual(await pages(kv, { limit }), sorted);
      }
      t.deepEqual(await pages(kv, { prefix: 'user:', limit: 2 }), sorted.slice(7, 11));
      t.deepEqual(await pages(kv, { prefix: 'a/', limit: 1 }), ['a/b', 'a/b c']);
      t.deepEqual(await pages(kv, { prefix: '键', limit: 1 }), ['键', '键:1']);
      t.deepEqual(await pages(kv, { prefix: '{', limit: 1 }), ['{a}']);
      await kv.delete('user:1');
      t.is(await kv.get('user:1'), null);
    },
  );

  test.serial(`${name}: pages by a cursor hold each key once while others are added and deleted`, async (t) => {
    const kv = await bindingOn((await (await prepare(t))()).kv('a'));
    const names = Array.from({ length: 40 }, (_, index) => `用户:${String(index).padStart(2, '0')}`);
    await Promise.all(names.map((key) => kv.put(key, '')));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await kv.list({ prefix: '用户:', limit: 10, cursor });
      seen.push(...page.keys.map(({ key }) => key));
      cursor = page.cursor;
      // One after the cursor, one before all others, and the one that the cursor names.
      await kv.put(`用户:${seen.at(-1)?.slice(3)} `, '');
      await kv.put('用户:', '');
      await kv.delete(seen.at(-1));
      t.is(encodeURIComponent(cursor ?? ''), cursor ?? '');
    } while (cursor !== undefined);

    t.deepEqual(
      seen.filter((key) => names.includes(key)),
      names,
    );
    t.is(new Set(seen).size, seen.length);
  });

  test.serial(`${name}: a deleted or unknown key is null`, async (t) => {
    const kv = await bindingOn((await (await prepare(t))()).kv('a'));
    await kv.put('key', 'x');

    t.is(await kv.delete('key'), undefined);
    await kv.delete('key');

    for (const key of ['key', 'no:key', 'k'.repeat(513)]) t.is(await kv.get(key, 'json'), null);
    t.deepEqual(await kv.list({ prefix: '' }), { keys: [], complete: true, cursor: undefined });
  });
}

test('the methods can be destructured', async (t) => {
  const { put, get } = await bindingOn(memory());

  await put('key', 'x');

  t.is(await get('key'), 'x');
});

test('invalid JSON and an unknown type are read as text, as on the platform', async (t) => {
  const kv = await bindingOn(memory());
  await kv.put('key', '{no');

  t.is(await kv.get('key', 'json'), '{no');
  t.is(await kv.get('key', 'blob'), '{no');
});

test('keys and values have exactly the limits of the platform', async (t) => {
  const kv = await bindingOn(memory());
  await kv.put('k'.repeat(512), new Uint8Array(26_214_400));

  await t.throwsAsync(kv.put('k'.repeat(513), ''), {
    message: 'Key size exceeds maximum limit of 512 bytes (got 513 bytes)',
  });
  await kv.put('鍵'.repeat(170), '');
  await t.throwsAsync(kv.put('鍵'.repeat(171), ''), { message: /\(got 513 bytes\)$/ });
  for (const key of ['a\nb', '\0', 'a\x7f', '\x85']) {
    await t.throwsAsync(kv.put(key, ''), { message: /^Key must not contain control characters/ });
    t.is(await kv.get(key), null);
  }
  await t.throwsAsync(kv.put('a\ud800', ''), { message: /^Key must be well-formed text/ });
  for (const verb of [kv.put, kv.get, kv.delete]) {
    for (const key of ['', undefined, 7])
      await t.throwsAsync(verb(key, ''), { message: 'Key must be a non-empty string' });
  }
  await t.throwsAsync(kv.put('key', new Uint8Array(26_214_401)), {
    instanceOf: RangeError,
    message: /^Value size exceeds .* got 26214401 bytes$/,
  });
  for (const value of [undefined, null, 7, {}]) {
    await t.throwsAsync(kv.put('key', value), { message: /^Unsupported value type: / });
  }
  for (const limit of [0, -1, 'many'])
    await t.throwsAsync(kv.list({ limit }), { message: /^limit must be a number from 1 to 256/ });
  await t.throwsAsync(kv.list({ cursor: 'user:1' }), { message: /^cursor must be one that list\(\) returned/ });
  await t.throwsAsync(kv.list({ prefix: 7 }), { message: 'prefix must be a string, got number' });
});

test('a stream that is too long, or whose chunks are not bytes, is cancelled, and nothing is stored', async (t) => {
  const kv = await bindingOn(memory());
  for (const chunk of [new Uint8Array(1024 * 1024), 7]) {
    let isCancelled = false;
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(chunk),
      cancel: () => {
        isCancelled = true;
      },
    });

    await t.throwsAsync(kv.put('key', endless));

    t.true(isCancelled);
    t.is(await kv.get('key'), null);
  }
});

test('bytes that a function changes after put do not change the stored value', async (t) => {
  const stored: Uint8Array[] = [];
  const kv = await bindingOn({ ...memory(), put: async (_, value) => void stored.push(value) });
  const bytes = new Uint8Array([1, 2]);

  const done = [kv.put('key', bytes), kv.put('key', bytes.buffer)];
  bytes.fill(9);
  await Promise.all(done);

  t.deepEqual(
    stored.map((value) => [...value]),
    [
      [1, 2],
      [1, 2],
    ],
  );
});

/** Every key, page by page. */
async function pages(kv: KvBinding, options: { readonly prefix?: string; readonly limit: number }): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await kv.list({ ...options, cursor });
    keys.push(...page.keys.map(({ key }) => key));
    ({ cursor } = page);
  } while (cursor !== undefined);
  return keys;
}

async function bindingOn(kv: Kv): Promise<KvBinding> {
  return new KvBinding('my_kv', kv);
}

function memory(): Kv {
  const values = new Map<string, Uint8Array>();
  return {
    get: async (key) => values.get(key),
    put: async (key, value) => void values.set(key, value),
    delete: async (key) => void values.delete(key),
    list: async () => [...values.keys()],
  };
}
