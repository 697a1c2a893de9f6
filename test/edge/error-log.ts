import test from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

test('the line of a function that fails has message, file, line and stack as top-level keys', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/api/[id].ts': [
      "import { fail } from '../../lib/fail';",
      'interface Never {}',
      'export const onRequest = async (): Promise<Never> => fail(1);',
    ].join('\n'),
    'lib/fail.ts':
      "type Count = number;\n\nexport function fail(count: Count): never {\n  throw new RangeError('secret plan ' + count);\n}",
  });
  const running = await startNexthop(t, { site });

  const { headers, status } = await fetch(`http://127.0.0.1:${running.port}/api/7`);

  t.is(status, 500);
  const [line, ...more] = await complaints(running);
  t.deepEqual(more, []);
  t.like(line, {
    level: 'error',
    message: 'secret plan 1',
    file: 'lib/fail.ts',
    line: 4,
    column: 9,
    code: 'function_error',
    request: 'GET /api/7',
    request_id: headers.get('x-request-id'),
    route: '/api/:id',
    target: 'cloud-functions/api/[id].ts',
    error: { type: 'RangeError', stack: undefined },
  });
  t.regex(String(line?.stack), /^RangeError: secret plan 1\n {4}at fail \(.*lib\/fail\.ts:4:9\)\n/);
  t.notRegex(
    String(line?.stack),
    /src\/site\/route-calls|src\/http|node:/,
    'frames of nexthop, and of Node below them',
  );
  t.deepEqual(Object.keys(line ?? {}), [
    ...['level', 'time', 'pid', 'message', 'file', 'line', 'column', 'request_id', 'request', 'route', 'target'],
    ...['code', 'status', 'stack', 'error'],
  ]);
});

test('the line of a file that cannot be used has file, line and column as top-level keys', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/bad.js': 'export const onRequest = () => {\n  return ];\n};' });
  const running = await startNexthop(t, { site });

  t.like(await complaints(running), [{ level: 'error', file: 'cloud-functions/bad.js', line: 2, column: 10 }]);
});
