import test from 'ava';
import { childrenOf } from '../helpers/child-processes.ts';
import { freePort } from '../helpers/free-port.ts';
import { killProcess } from '../helpers/kill-process.ts';
import { metricValue } from '../helpers/metric-value.ts';
import { startNexthop } from '../helpers/process.ts';
import { untilResult } from '../helpers/until-result.ts';
import { serveWithWorkers, untilListening } from '../helpers/worker-processes.ts';

const PATH = '/metrics-of-all';
const RUNS = 'nexthop_function_runs_total';

async function read(url: string): Promise<string> {
  return (await fetch(url, { headers: { connection: 'close' } })).text();
}

for (const signal of ['SIGKILL', 'SIGTERM'] as const)
  test.serial(
    `a scrape has the sums of all workers, and keeps those of a worker that ended by ${signal}`,
    async (t) => {
      const running = await serveWithWorkers(t, 2, { METRICS_PATH: PATH });
      const url = `http://127.0.0.1:${running.port}`;
      const workers = new Set<string>();
      let requests = 0;
      while (workers.size < 2) {
        workers.add(await read(`${url}/pid`));
        requests++;
      }
      const scrape = () => read(`${url}${PATH}`);
      const runs = (text: string) => metricValue(text, RUNS, { http_route: '/pid' });
      const before = await scrape();
      t.is(runs(before), requests);
      t.is(metricValue(before, 'nexthop_processes_missing'), 0);

      const [victim = ''] = workers;
      killProcess(Number(victim), signal);
      await untilResult(
        async () => childrenOf(running.pid),
        (pids) => pids.length === 2 && !pids.includes(victim),
      );

      const after = await untilResult(scrape, (text) => metricValue(text, 'nexthop_connections') > 0);
      t.is(runs(after), requests);
      t.true(metricValue(after, 'process_cpu_seconds_total') >= metricValue(before, 'process_cpu_seconds_total'));
    },
  );

for (const workers of [0, 2]) {
  test.serial(`METRICS_PORT has the metrics at /metrics and nothing else, with WORKERS=${workers}`, async (t) => {
    const port = await freePort();
    const running = await startNexthop(t, { env: { WORKERS: String(workers), METRICS_PORT: String(port) } });
    if (workers > 0) await untilListening(running, workers);
    await read(`http://127.0.0.1:${running.port}/.well-known/nexthop/ready`);

    const text = await read(`http://127.0.0.1:${port}/metrics`);

    t.true(metricValue(text, 'http_server_request_duration_seconds_count', { answered_by: 'nexthop' }) >= 1);
    t.is((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
    running.child.kill('SIGTERM');
    t.is(await running.exited, 0);
    await t.throwsAsync(read(`http://127.0.0.1:${port}/metrics`));
  });
}
