import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, chmod, mkdir, realpath, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { CHILD_ENV } from '../helpers/child-env.ts';
import { killGroup } from '../helpers/kill-process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

const ROOT = join(import.meta.dirname, '../..');
const HELLO = 'export function onRequest() { return new Response("hello"); }';

/** Runs npm or npx in a folder, as in a terminal. Resolves with the output up to the lines of the start. Ended when the test ends. */
async function runIn(
  t: ExecutionContext,
  folder: string,
  [program = '', ...args]: readonly string[],
  env: Record<string, string> = {},
) {
  // For npm's logs.
  const home = await siteFolder(t);
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      ...CHILD_ENV,
      HOME: home,
      PATH: [join(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter),
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_DIR: '',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A separate process group, because the end of npm alone would leave the server running.
    detached: true,
  });
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      killGroup(child, 'SIGKILL');
      await once(child, 'exit');
    }
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk;
    });
  }
  await until(() => /\n {2}logs/.test(text) || child.exitCode !== null, `the start by ${program}`);
  const [, port] = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? [];
  return { text, url: `http://127.0.0.1:${port}`, child, output: () => text };
}

/** Whether nothing listens there. */
async function isRefused(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).body?.cancel();
    return false;
  } catch {
    return true;
  }
}

/** A site that depends on nexthop, as after `npm install`. */
async function dependentSite(t: ExecutionContext, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const site = await siteFolder(t, {
    'package.json': '{ "scripts": { "start": "nexthop start" }, "dependencies": { "nexthop": "*" } }',
    'cloud-functions/hello.js': HELLO,
    'src/deep/file.txt': '',
    ...files,
  });
  await mkdir(join(site, 'node_modules/.bin'), { recursive: true });
  await symlink(ROOT, join(site, 'node_modules/nexthop'));
  // As npm does when it installs a package.
  await chmod(join(ROOT, 'dist/cli/cli.js'), 0o755);
  await symlink('../nexthop/dist/cli/cli.js', join(site, 'node_modules/.bin/nexthop'));
  return realpath(site);
}

test('npm start in the repository serves the repository', async (t) => {
  const { text } = await runIn(t, ROOT, ['npm', 'start', '--silent']);

  t.true(text.startsWith('nexthop listens'), text);
  t.true(text.includes(`\n  site      ${ROOT}, `), text);
});

test('npm start in a folder of the repository serves that folder', async (t) => {
  const { text } = await runIn(t, join(ROOT, 'examples/hello'), ['npm', 'start', '--silent']);

  t.true(text.includes(`\n  site      ${ROOT}/examples/hello, `), text);
});

test('npm --prefix start serves the folder in which it is called', async (t) => {
  const site = await realpath(await siteFolder(t, { 'cloud-functions/hello.js': HELLO }));

  const { text, url } = await runIn(t, site, ['npm', '--prefix', ROOT, 'start', '--silent']);

  t.true(text.startsWith('nexthop listens'), text);
  t.true(text.includes(`\n  site      ${site}, 1 route\n`), text);
  t.is(await (await fetch(`${url}/hello`)).text(), 'hello');
});

test('npm --prefix start resolves paths of sites and settings from the folder in which it is called', async (t) => {
  const folder = await realpath(await siteFolder(t, { "it's my site/cloud-functions/hello.js": HELLO }));
  const command = ['npm', '--prefix', ROOT, 'start', '--silent', '--', "it's my site", '--data-dir=data'];

  const { text, url } = await runIn(t, folder, command, { LOG_DIR: 'logs' });

  t.true(text.includes(`\n  site      ${folder}/it's my site, 1 route\n`), text);
  t.true(text.includes(`\n  logs      ${folder}/logs\n`), text);
  t.is(await (await fetch(`${url}/hello`)).text(), 'hello');
  await t.notThrowsAsync(access(join(folder, 'logs/error.log')));
});

test('npm start of a site that depends on nexthop serves that site', async (t) => {
  const site = await dependentSite(t);

  const { text, url } = await runIn(t, site, ['npm', 'start', '--silent']);

  t.true(text.startsWith('nexthop listens'), text);
  t.true(text.includes(`\n  site      ${site}, 1 route\n`), text);
  t.is(await (await fetch(`${url}/hello`)).text(), 'hello');
});

test('npm start in a subfolder of such a site serves the site, and prints which folder that is and why', async (t) => {
  const site = await dependentSite(t);

  const { text, url } = await runIn(t, join(site, 'src/deep'), ['npm', 'start', '--silent']);

  t.true(text.includes(`npm runs the command in ${site}, so this is the site, and not ${site}/src/deep: `), text);
  t.true(text.includes(`\n  site      ${site}, 1 route\n`), text);
  t.is(await (await fetch(`${url}/hello`)).text(), 'hello');
});

test('npm start with a site serves that site and prints nothing about other folders', async (t) => {
  const site = await dependentSite(t);

  const { text } = await runIn(t, join(site, 'src/deep'), ['npm', 'start', '--silent', '--', '--site=.']);

  t.false(text.includes('npm runs'), text);
  t.true(text.includes(`\n  site      ${site}, 1 route\n`), text);
});

test('npx nexthop start serves the folder in which it is called', async (t) => {
  const site = await dependentSite(t);

  const { text, url } = await runIn(t, site, ['npx', '--no-install', 'nexthop', 'start']);

  t.true(text.includes(`\n  site      ${site}, 1 route\n`), text);
  t.is(await (await fetch(`${url}/hello`)).text(), 'hello');
});

test('npx nexthop start in a subfolder of a site serves that subfolder', async (t) => {
  const site = await dependentSite(t);

  const { text } = await runIn(t, join(site, 'src/deep'), ['npx', '--no-install', 'nexthop', 'start']);

  t.true(text.startsWith('nexthop listens'), text);
  t.true(text.includes(`\n  site      ${site}/src/deep, 0 routes: every request goes to the next hop;`), text);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`npx nexthop start drains and ends when npm's process ends by ${signal}`, async (t) => {
    const site = await dependentSite(t);
    const { child, output } = await runIn(t, site, ['npx', '--no-install', 'nexthop', 'start']);

    // Its output ends with its last process.
    const closed = once(child, 'close');
    child.kill(signal);

    await closed;
    t.regex(output(), /SIGTERM: finishing running requests and jobs/);
  });
}

test('npx nexthop start ends when its terminal is closed', async (t) => {
  const site = await dependentSite(t);
  // `script` runs a command in a terminal of its own.
  const command = ['script', '-qec', 'npx --no-install nexthop start', '/dev/null'];
  const { child, url } = await runIn(t, site, command);
  t.is(await (await fetch(`${url}/hello`)).text(), 'hello');

  // The kernel hangs up a terminal whose other side is gone.
  child.kill('SIGKILL');

  t.true(await untilResult(() => isRefused(url), Boolean));
});

const BLOCK = `
  import { writeFileSync } from 'node:fs';

  export function onRequest() {
    writeFileSync('is-blocked', '');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    return new Response('hello');
  }
`;

for (const [state, files] of [
  ['', {}],
  [', also while a function blocks it', { 'cloud-functions/block.js': BLOCK }],
] as const) {
  test(`nexthop that nohup started outlives its session${state}`, async (t) => {
    const site = await dependentSite(t, files);
    const { child, url, output } = await runIn(t, site, ['nohup', 'npx', '--no-install', 'nexthop', 'start']);
    t.teardown(() => killGroup(child, 'SIGKILL'));
    const blocked = 'cloud-functions/block.js' in files ? fetch(`${url}/block`) : undefined;
    if (blocked) await until(() => existsSync(join(site, 'is-blocked')), 'the function that blocks');

    killGroup(child, 'SIGHUP');
    await once(child, 'exit');
    await blocked;
    // Longer than nexthop needs to notice it.
    const untilMs = performance.now() + 2000;
    do {
      t.is(await (await fetch(`${url}/hello`)).text(), 'hello');
      await delay(50);
    } while (performance.now() < untilMs);

    t.notRegex(output(), /finishing running requests/);
  });
}
