import test from 'ava';
import { childrenOf } from '../helpers/child-processes.ts';
import { complaints } from '../helpers/error-lines.ts';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';

test('a function that forks a cluster starts no process and signals none, and its app is served', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/[[default]].js': `import cluster, { fork } from 'node:cluster';
      const app = (request, response) => response.end(String(process.pid));
      if (cluster.isPrimary) {
        const workers = [cluster.fork(), cluster.fork({ A: '1' }), fork()];
        for (const worker of workers) {
          // Node's own part of a child process, with a number from uninitialised memory.
          worker.process._handle.kill = () => console.log('a signal is sent');
          worker.on('online', () => console.log('it is online')).kill();
        }
        console.log(workers.map(({ id }) => id), cluster.workers);
      } else app.listen(0);
      export default Object.assign(app, { use() {}, handle() {} });`,
  });

  const running = await startNexthop(t, { site, env: { LOG_STDOUT: '1' } });

  t.is(await (await fetch(`http://127.0.0.1:${running.port}/`)).text(), String(running.pid));
  await t.notThrowsAsync(until(() => childrenOf(running.pid).length === 0, "the end of esbuild's process"));
  t.regex(running.output(), /\[ 1, 2, 3 \] \{\}/);
  t.notRegex(running.output(), /a signal is sent/);
  const [line, ...more] = await complaints(running);
  t.regex(
    String(line?.message),
    /^cluster\.fork\(\) at cloud-functions\/\[\[default\]\]\.js:4:\d+ starts no process: /,
  );
  t.deepEqual(more, []);
});
