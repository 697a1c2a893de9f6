import test from 'ava';
import type { Facts } from '../../src/static/facts.ts';
import { Memory } from '../../src/static/memory.ts';

test('the oldest file is removed first when the memory limit is reached', (t) => {
  const memory = new Memory(100);
  const [one, two, three] = [factsOf(40), factsOf(40), factsOf(40)];
  for (const facts of [one, two, three]) memory.keep(facts);

  t.deepEqual(
    [one, two, three].map(({ bytes }) => bytes?.length),
    [undefined, 40, 40],
  );
});

test('a removed file makes space for others', (t) => {
  const memory = new Memory(100);
  const [one, two, three] = [factsOf(40), factsOf(40), factsOf(60)];
  memory.keep(one);
  memory.keep(two);
  memory.forget(one);
  memory.forget(one);
  memory.keep(three);

  t.deepEqual(
    [one, two, three].map(({ bytes }) => bytes?.length),
    [undefined, 40, 60],
  );
});

test('a large file is not kept and removes no other file', (t) => {
  const memory = new Memory(1_000_000);
  const [small, large] = [factsOf(256 * 1024), factsOf(256 * 1024 + 1)];
  memory.keep(small);
  memory.keep(large);

  t.is(small.bytes?.length, 256 * 1024);
  t.is(large.bytes, undefined);
});

function factsOf(size: number): Facts {
  const bytes = Buffer.alloc(size);
  // The stats of the file are not used here.
  return { size, etag: '', modifiedMs: 0, lastModified: '', stats: {} as Facts['stats'], bytes };
}
