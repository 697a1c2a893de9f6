import test from 'ava';
import type { MetricFamily } from '../../src/contract/metrics.ts';
import { WorkerMetrics } from '../../src/process/worker-metrics.ts';
import type { WorkerProcess } from '../../src/process/worker-process.ts';
import { SOON_MS } from '../helpers/patience.ts';

function families(count: number): readonly MetricFamily[] {
  const one = { help: '', series: [{ labels: '', values: [count] }] };
  return [
    { ...one, name: 'a_total', kind: 'counter' },
    { ...one, name: 'b', kind: 'gauge' },
  ];
}

/** What WorkerMetrics uses of a worker. */
function worker(collect: () => Promise<readonly MetricFamily[] | undefined>): WorkerProcess {
  return { isServing: true, collect } as unknown as WorkerProcess; // nothing else of it is read
}

test('a worker that does not answer in 500 ms is counted as missing, with the counters that it sent before', async (t) => {
  const metrics = new WorkerMetrics();
  const silent = worker(() => new Promise(() => {}));
  metrics.keep(silent, families(3));

  // The timer of the time limit does not keep the process.
  const held = setTimeout(() => {}, SOON_MS);
  const before = performance.now();
  const { families: all, missing } = await metrics.collect([silent, worker(async () => families(4))]);

  t.is(missing, 1);
  t.deepEqual(
    all.map(({ name, series }) => [name, series[0]?.values[0]]),
    [
      ['a_total', 7],
      ['b', 4],
    ],
  );
  t.true(performance.now() - before < SOON_MS);
  clearTimeout(held);
});

test('counters of a worker that has ended are kept, and its gauges are not', async (t) => {
  const metrics = new WorkerMetrics();
  const ended = worker(async () => families(3));
  await metrics.collect([ended]);
  metrics.ended(ended);

  const { families: all } = await metrics.collect([worker(async () => families(4))]);

  t.deepEqual(
    all.map(({ name, series }) => [name, series[0]?.values[0]]),
    [
      ['a_total', 7],
      ['b', 4],
    ],
  );
});
