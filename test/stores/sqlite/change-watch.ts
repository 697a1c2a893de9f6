import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ChangeWatch } from '../../../src/stores/sqlite/change-watch.ts';
import { untilResult } from '../../helpers/until-result.ts';

/** The longest pause between two checks. */
const PAUSE_MS = 200;

test('a change is checked at once, also if the next check after an earlier change is due much later', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-watch-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'cache.db');
  let checked: () => void = () => {};
  const watch = new ChangeWatch(file, () => checked());
  t.teardown(() => watch.close());
  const nextCheck = () => new Promise<void>((resolve) => (checked = resolve));
  /** Milliseconds from a change, made when the longest pause begins, to the next check. */
  const measure = async (): Promise<number> => {
    await writeFile(file, 'a');
    for (let lastMs = performance.now(); performance.now() - lastMs < PAUSE_MS / 4; ) {
      lastMs = performance.now();
      await nextCheck();
    }
    const check = nextCheck();
    const changedAtMs = performance.now();
    await writeFile(file, 'b');
    await check;
    return performance.now() - changedAtMs;
  };

  // On a busy machine once in several times is enough: with the pause it is never so early.
  t.true((await untilResult(measure, (ms) => ms < PAUSE_MS / 4)) < PAUSE_MS / 4);
});
