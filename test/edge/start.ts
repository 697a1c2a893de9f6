import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';

test.serial('every invalid setting is reported at once, with its value and the expected form', async (t) => {
  const running = await runNexthop(t, {
    env: {
      PORT: 'http',
      NEXT_HOP: 'https://origin',
      TRUSTED_PROXIES: '10.0.0.0/99',
      DRAIN_TIMEOUT: 'soon',
      LOG_STDOUT: 'yes',
    },
  });

  t.is(await running.exited, 78);
  const output = running.output();
  t.regex(output, /PORT must be a whole number from 0 to 65535, got "http"/);
  t.regex(output, /NEXT_HOP must be an http: URL .*, got "https:\/\/origin"/);
  t.regex(output, /TRUSTED_PROXIES must be "private", .*, got "10\.0\.0\.0\/99"/);
  t.regex(output, /DRAIN_TIMEOUT must be a duration .*, got "soon"/);
  t.regex(output, /LOG_STDOUT must be "1" or "0", got "yes"/);
  t.notRegex(output, /\n {4}at /, 'no stack in messages for users');
});

test.serial('a LOG_DIR that cannot be written stops the start and is named', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'file'), '');

  const running = await runNexthop(t, { env: { LOG_DIR: join(folder, 'file', 'log') } });

  t.is(await running.exited, 1);
  t.regex(running.output(), /LOG_DIR/);
});

test.serial('a site that does not exist stops the start and is named', async (t) => {
  const running = await runNexthop(t, { site: '/no/such/site' });

  t.is(await running.exited, 1);
  t.regex(running.output(), /\/no\/such\/site does not exist/);
});

test.serial('a port in use stops the start, and the message says so', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.teardown(() => taken.close());
  const { port } = taken.address() as { port: number };

  const running = await runNexthop(t, { env: { PORT: String(port) } });

  t.is(await running.exited, 1);
  t.regex(running.output(), /^nexthop: PORT is taken: stop the other server or set PORT to another one \(.*:\d+\)\n$/);
});

/** Another user, without rights on the default folder. */
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', '-u', 'LOG_DIR'];

(process.getuid?.() === 0 ? test : test.skip)(
  'a first start without rights on /var/log/nodejs says how to set LOG_DIR (as root only)',
  async (t) => {
    const running = await runNexthop(t, { under: asNobody });

    t.is(await running.exited, 1);
    t.regex(
      running.output(),
      /^nexthop: LOG_DIR: cannot write "\/var\/log\/nodejs\/error\.log" \(E\w+\); .*\n {2}LOG_DIR is not set\. .* --log-dir=logs .*\n.* install -d -o .*\/var\/log\/nodejs\n$/,
    );
  },
);

test.serial('a HOST that is not of this machine stops the start and is named', async (t) => {
  const running = await runNexthop(t, { env: { HOST: '192.0.2.1' } });

  t.is(await running.exited, 1);
  t.regex(running.output(), /^nexthop: HOST is no address of this machine: .* \(.*192\.0\.2\.1.*\)\n$/);
});

test.serial('an unusable value of a flag exits with 78, and a flag without its value with 2', async (t) => {
  const value = await runNexthop(t, { args: ['start', '.', '--port=http'] });
  const flag = await runNexthop(t, { args: ['start', '.', '--port'] });

  t.is(await value.exited, 78);
  t.regex(value.output(), /PORT must be a whole number .*, got "http"/);
  t.is(await flag.exited, 2);
  t.regex(flag.output(), /^nexthop: .*--port.*\n$/);
});

test.serial(
  'an unknown command and an unknown flag are reported with the nearest known one, and nothing else',
  async (t) => {
    const command = await runNexthop(t, { args: ['stat'] });
    const flag = await runNexthop(t, { args: ['start', '--prot=1'] });

    t.is(await command.exited, 2);
    t.is(command.output(), 'nexthop: there is no command "stat"; did you mean start?\n');
    t.is(await flag.exited, 2);
    t.is(flag.output(), 'nexthop: start has no flag --prot; did you mean --port?\n');
  },
);

test.serial('a start that fails names a variable that is probably a misspelt setting', async (t) => {
  const running = await runNexthop(t, { site: '/no/such/site', env: { NEXTHOP: 'http://127.0.0.1:8' } });

  t.is(await running.exited, 1);
  t.regex(running.output(), /does not exist.*\n {2}NEXTHOP is no setting of nexthop; did you mean NEXT_HOP\?\n$/);
});

test.serial('a setting given as a flag wins over the environment', async (t) => {
  const running = await runNexthop(t, {
    args: ['start', '.', '--next-hop=http://127.0.0.1:7'],
    env: { NEXT_HOP: 'http://127.0.0.1:8' },
  });

  await running.said(/next hop {2}http:\/\/127\.0\.0\.1:7\n/);
  t.pass();
});

test.serial('the start prints where it listens, and nothing else', async (t) => {
  const running = await startNexthop(t);

  t.regex(
    running.output(),
    /^nexthop listens on http:\/\/127\.0\.0\.1:\d+\n {2}site .*, 0 routes: every request goes to the next hop; "nexthop routes" lists what is looked for\n {2}next hop {2}http:\/\/next-hop:80\n {2}logs .*\n$/,
  );
});

test.serial('one port is open, and SIGUSR1 opens no other', async (t) => {
  const running = await startNexthop(t);
  t.is(await listeningSockets(running.pid), 1);

  running.child.kill('SIGUSR1');
  running.child.kill('SIGHUP');
  await awaitResponses(running.port);

  t.is(await listeningSockets(running.pid), 1);
  t.notRegex(running.output(), /Debugger/);
});

test.serial('SIGUSR1 opens no port while the code of the site is loaded', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/slow.js': `import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
writeFileSync('loading', '');
while (!existsSync('go')) await wait(5);
export function onRequest() { return new Response('ok'); }`,
  });
  const running = await runNexthop(t, { site });
  await until(() => existsSync(join(site, 'loading')), 'the site to be loaded');

  running.child.kill('SIGUSR1');
  await writeFile(join(site, 'go'), '');
  await running.said(/listens on .*/);

  t.is(await listeningSockets(running.pid), 1);
  t.notRegex(running.output(), /Debugger/);
});

/** Responses show that earlier signals were handled: the same event loop handles both. */
async function awaitResponses(port: number): Promise<void> {
  for (let round = 0; round < 5; round++)
    await (await fetch(`http://127.0.0.1:${port}/.well-known/nexthop/ready`)).text();
}

/** Number of listening TCP sockets of a process. */
async function listeningSockets(pid: number): Promise<number> {
  const links = await Promise.all(
    (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')),
  );
  const inodes = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/net/${table}`, 'utf8').catch(() => '')),
  );
  const rows = tables.flatMap((table) => table.trim().split('\n').slice(1)).map((row) => row.trim().split(/\s+/));
  return rows.filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode)).length;
}
