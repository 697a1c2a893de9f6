import { existsSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type RunningProcess, runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';
import { untilListening } from '../helpers/worker-processes.ts';

const answering = (text: string) => `export const onRequest = () => new Response('${text}');`;

async function read({ port }: RunningProcess): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/a`)).text();
}

test.serial('nexthop reload exits 0 when the new site serves, and prints what it has', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/a.js': answering('old') });
  const running = await startNexthop(t, { site });
  await writeFile(join(site, 'cloud-functions/a.js'), answering('new'));

  const command = await runNexthop(t, { args: ['reload', site] });

  t.is(await command.exited, 0, command.output());
  t.is(await read(running), 'new');
  const json = await runNexthop(t, { args: ['reload', site, '--json'] });
  t.is(await json.exited, 0);
  const { reloaded, processes } = JSON.parse(json.stdout());
  t.true(reloaded);
  t.like(processes, [{ site, state: 'exchanged', routes: 1, files: 0, problems: [] }]);
  t.regex(command.stdout(), /^reloaded \/.*: 1 route in \d+\.\d s\n$/);
  await running.said(/\nreloaded /);
});

for (const WORKERS of ['0', '1']) {
  test.serial(
    `a server that says that it listens can be reached by nexthop reload, with WORKERS=${WORKERS}`,
    async (t) => {
      const site = await siteFolder(t, {
        'slow-socket.cjs': `const { Server } = require('node:net');
        const { listen } = Server.prototype;
        Server.prototype.listen = function (...args) {
          const isSlow = String(args[0]?.path ?? args[0]).endsWith('.sock');
          setTimeout(() => listen.apply(this, args), isSlow ? 1000 : 0);
          return this;
        };`,
      });
      const NODE_OPTIONS = `--require=${join(site, 'slow-socket.cjs')}`;
      const DATA_DIR = join(site, 'data');

      const running = await runNexthop(t, { site, env: { WORKERS, DATA_DIR, NODE_OPTIONS } });
      await running.said(/listens on/);

      t.true((await readdir(join(DATA_DIR, 'control'))).some((name) => name.endsWith('.sock')));
    },
  );
}

test.serial('nexthop reload exits 1 with file, line and reason when the new code does not load', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/a.js': answering('old'), 'public/a.css': '' });
  const running = await startNexthop(t, { site });
  await writeFile(join(site, 'cloud-functions/a.js'), 'export const onRequest = ( => 1;');

  const command = await runNexthop(t, { args: ['reload', site] });

  t.is(await command.exited, 1);
  t.regex(command.stdout(), /^reloaded in part, with 1 error: .*: 1 route, 1 file in /);
  t.regex(command.stdout(), / {2}error {5}cloud-functions\/a\.js:1:28 Unexpected/);
  t.is(await read(running), 'old');
});

test.serial('a reload of several workers is logged once, with its problems', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/a.js': answering('old') });
  const running = await startNexthop(t, { site, env: { WORKERS: '3' } });
  await untilListening(running, 3);
  await writeFile(join(site, 'cloud-functions/a.js'), 'export const onRequest = ( => 1;');

  await (await runNexthop(t, { args: ['reload', site] })).exited;

  // Lines are written a moment later, and all of them before the end.
  running.child.kill('SIGTERM');
  await running.exited;
  const lines = (await readFile(join(running.logDir, 'error.log'), 'utf8')).split('\n');
  t.is(lines.filter((line) => line.includes('was read again')).length, 1);
  t.is(lines.filter((line) => line.includes('cloud-functions/a.js')).length, 1);
});

test.serial(
  'new code that ends the process while it loads ends one worker, and the others keep their code',
  async (t) => {
    const site = await siteFolder(t, { 'cloud-functions/a.js': answering('old') });
    const running = await startNexthop(t, { site, env: { WORKERS: '2' } });
    await untilListening(running, 2);
    const deadly = "import { execSync } from 'node:child_process'; execSync('kill -9 ' + process.pid);";
    await writeFile(join(site, 'cloud-functions/a.js'), `${deadly}${answering('new')}`);

    const command = await runNexthop(t, { args: ['reload', site] });

    t.is(await command.exited, 1);
    t.regex(command.output(), /the worker that read the site first ended while it did/);
    for (let n = 0; n < 10; n++) t.is(await read(running), 'old');
  },
);

for (const WORKERS of ['0', '2']) {
  test.serial(
    `signals that arrive while the site loads are handled when it serves, with WORKERS=${WORKERS}`,
    async (t) => {
      const slow = `import { existsSync } from 'node:fs';
      console.log('loading');
      while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5));
      ${answering('old')}`;
      const site = await siteFolder(t, { 'cloud-functions/a.js': slow });
      const running = await runNexthop(t, { site, env: { WORKERS, LOG_STDOUT: '1' } });
      await running.said(/loading/);

      running.child.kill('SIGHUP');
      running.child.kill('SIGUSR2');
      await writeFile(join(site, 'go'), '');
      await running.said(/listens on[\s\S]*\nreloaded .*: 1 route/);

      t.is(await read(running), 'old');
    },
  );
}

test.serial('nexthop reload exits 1 and says why when it may not look for running processes', async (t) => {
  const site = await siteFolder(t, { 'data/control': 'no folder' });

  const command = await runNexthop(t, { args: ['reload', site], env: { DATA_DIR: join(site, 'data') } });

  t.is(await command.exited, 1);
  t.regex(command.output(), /cannot be found, run this as their user: ENOTDIR/);
});

test.serial('nexthop reload exits 1 when no nexthop uses the folder', async (t) => {
  const site = await siteFolder(t);

  const command = await runNexthop(t, { args: ['reload', site] });

  t.is(await command.exited, 1);
  t.regex(command.output(), /^nexthop: no nexthop runs with DATA_DIR \/.*\.nexthop: start one/);
});

test.serial('SIGHUP reads the site again and opens the logs again; SIGUSR2 only opens the logs again', async (t) => {
  const site = await siteFolder(t, { 'cloud-functions/a.js': answering('old') });
  const running = await startNexthop(t, { site });
  const accessLog = join(running.logDir, 'access.log');
  await writeFile(join(site, 'cloud-functions/a.js'), answering('new'));

  await rename(accessLog, `${accessLog}.1`);
  running.child.kill('SIGUSR2');
  await until(() => existsSync(accessLog), 'a new access.log');
  t.is(await read(running), 'old');

  await rename(accessLog, `${accessLog}.2`);
  running.child.kill('SIGHUP');
  await running.said(/reloaded .*: 1 route/);
  t.is(await read(running), 'new');
  t.true(existsSync(accessLog));
});
