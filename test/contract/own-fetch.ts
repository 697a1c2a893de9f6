import test from 'ava';
import { isFetchOfSite, wrapFetch } from '../../src/contract/own-fetch.ts';

/** How often each wrapper is called by one `fetch`. */
async function callsOf(names: readonly string[]): Promise<Record<string, number>> {
  const calls: Record<string, number> = {};
  for (const name of names) {
    wrapFetch(name, (fetch) => (input, init) => {
      calls[name] = (calls[name] ?? 0) + 1;
      return fetch(input, init);
    });
  }
  await fetch('data:,x');
  return calls;
}

test.serial(
  'a wrapper of fetch is set once, however often the site is read and whatever was wrapped since',
  async (t) => {
    const calls = await callsOf(['test.one', 'test.two', 'test.one', 'test.two', 'test.three', 'test.one']);

    t.deepEqual(calls, { 'test.three': 1, 'test.two': 1, 'test.one': 1 });
    t.false(isFetchOfSite());
    t.is(fetch.name, 'fetch');
  },
);
