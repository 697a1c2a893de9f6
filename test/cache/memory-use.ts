import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import type { CacheTier } from '../../src/contract/cache.ts';
import { callCached, pendingWork } from '../helpers/cached-calls.ts';
import { type CachedSetup, createCachedPage } from '../helpers/cached-server.ts';
import { writeText } from '../helpers/write-text.ts';

const PAGES = 3000;

/** As a client for Redis does: each value is a part of a piece of 64 KB that the connection received. */
function tierInPieces(): CacheTier {
  const values = new Map<string, Buffer>();
  return {
    isUsed: true,
    async read(key) {
      const value = values.get(key);
      if (!value) return undefined;
      const piece = Buffer.allocUnsafeSlow(2 ** 16);
      return piece.subarray(0, value.copy(piece));
    },
    async write(key, value) {
      values.set(key, Buffer.from(value));
    },
    delete: async () => false,
    lock: async () => true,
    bytes: async () => undefined,
  };
}

const HEADERS: readonly string[] = Array.from({ length: 20 }, (_, at) => [`X-Header-${at}`, `a value ${at}`]).flat();
const TAGS = Array.from({ length: 30 }, (_, at) => `tag-${at}`).join();

interface Kind extends CachedSetup {
  readonly bytes: number;
  readonly headers?: readonly string[];
  /** Pages are stored by another process. */
  readonly isLoaded?: boolean;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'small bodies': { bytes: 10 },
  'bodies of 4 KB': { bytes: 4096 },
  'many headers': { bytes: 10, headers: HEADERS },
  'many tags': { bytes: 10, headers: ['Cache-Tag', TAGS] },
  'entries of the durable cache': { bytes: 1000, tier: tierInPieces(), isLoaded: true },
};

for (const [what, { bytes, headers = [], isLoaded = false, ...setup }] of Object.entries(KINDS)) {
  // Alone: what other tests hold would be counted, too.
  test.serial(`what is counted for ${what} is about the memory that they take`, async (t) => {
    const create = () =>
      createCachedPage((exchange) => {
        // Each page has texts of its own, as those of a function have.
        const own = [...headers, 'Cache-Control', 'public, durable, max-age=60'].map((text) => copy(text));
        writeText(exchange, 200, 'x'.repeat(bytes), own);
      }, setup);
    const askAll = async (page: ReturnType<typeof create>) => {
      for (let at = 0; at < PAGES; at++) await callCached(page, { path: copy(`/page/${at}`) });
      await pendingWork.settled();
      // The helper keeps all exchanges.
      return page.calls.splice(0).length;
    };
    // What it holds stays until the end.
    const other = create();
    if (isLoaded) await askAll(other);
    const page = create();
    await callCached(page, { path: '/warm' });
    const before = await heldBytes();
    const calls = await askAll(page);
    const held = (await heldBytes()) - before;

    if (isLoaded) t.deepEqual([calls, other.answers.isEmpty], [1, false]);
    const counted = page.answers.memoryBytes;
    t.log(`${Math.round(held / PAGES)} bytes of an entry are held, ${Math.round(counted / PAGES)} are counted`);
    t.true(held < 1.5 * counted, `${held} bytes are held, ${counted} are counted`);
    // Less than nothing, if the first page has left garbage.
    t.true(isLoaded || held > 0.5 * counted, `${held} bytes are held, ${counted} are counted`);
  });
}

function copy(text: string): string {
  return Buffer.from(text).toString('latin1');
}

async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  for (let round = 0; round < 4; round++) {
    // What a WeakRef has given stays until the end of the turn.
    await nextTurn();
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
