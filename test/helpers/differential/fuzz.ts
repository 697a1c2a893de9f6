import { parseArgs } from 'node:util';
import { compareReaders } from './compare.ts';

/** `npm run fuzz -- --minutes 5 [--seed 7]`: compares the readers by one seed after the other, and ends with 1 at the first breach. */
const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes ?? 1);
let seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new Error('--minutes and --seed must be numbers');

const MESSAGES_OF_A_SEED = 20_000;
const endMs = performance.now() + minutes * 60_000;
while (performance.now() < endMs && process.exitCode === undefined) {
  const { messages, accepted, onlyNode, unknownMethods, breaches } = await compareReaders(
    seed,
    (count) => count >= MESSAGES_OF_A_SEED || performance.now() >= endMs,
  );
  const reasons = [...onlyNode].map(([reason, count]) => `${reason} ${count}`).join(', ');
  process.stdout.write(
    `seed ${seed}: ${messages} messages, ${accepted} the same for both, ${unknownMethods} unknown methods; only Node takes: ${reasons}\n`,
  );
  if (breaches.length > 0) {
    process.stdout.write(`${breaches.join('\n')}\n`);
    process.exitCode = 1;
  }
  seed++;
}
