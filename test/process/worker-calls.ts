import { PassThrough } from 'node:stream';
import test from 'ava';
import { WorkerCalls } from '../../src/process/worker-calls.ts';
import { until } from '../helpers/until.ts';

test('lines that are no reports change nothing, and the reports around them are read', async (t) => {
  const reports = new PassThrough();
  let stalls = 0;
  const calls = new WorkerCalls(reports, () => stalls++);

  reports.write(
    '\n{"begun":"/a"}\nhello\n"patched"\nnull\n7\n[]\n{"begun":{}}\n{"lasting":"/x"}\n{"lasting":["/b"]}\n',
  );
  reports.write('{"ended":"/none"}\n{"stalled":true}\n');

  await until(() => stalls === 1, 'the last report');
  t.deepEqual([...calls.routes].sort(), ['/a', '/b']);
});
