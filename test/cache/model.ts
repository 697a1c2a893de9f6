import test from 'ava';
import { runCacheModel } from '../helpers/cache-model.ts';

for (const [what, seed] of Object.entries({ 'the same': 1, new: Date.now() % 1_000_000 })) {
  test(`five thousand ${what} random sequences get only responses that the rules allow`, async (t) => {
    t.log(`seed ${seed}: node test/helpers/cache-model.ts 5000 ${seed}`);
    const { requests, hits, violations } = await runCacheModel(seed, 5000);

    t.deepEqual(violations.slice(0, 3), [], `${violations.length} violations with seed ${seed}`);
    t.true(hits > requests / 10, `${hits} of ${requests} requests were answered from the cache`);
  });
}
