import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, symlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { findTool, installLine } from '../bench/tool.ts';
import { killGroup } from './helpers/kill-process.ts';
import { INSTALL_TIMEOUT_MS, npmInstall } from './helpers/npm-install.ts';
import { siteFolder } from './helpers/site-folder.ts';

const ROOT = join(import.meta.dirname, '..');
/** Installed or built files, which a fresh clone does not have. */
const MADE = new Set(['node_modules', '.run', 'dist']);
const SERVERS = ['nexthop', 'floor', 'http-proxy', 'node-http'];
const ROUND = ['--seconds=1', '--rounds=1', '--only=get,hello', `--servers=${SERVERS.join(',')}`];

/** Copies the bench without its peers, and the sources without build results, as in a fresh clone after `npm ci`. */
async function freshClone(t: ExecutionContext): Promise<string> {
  const folder = await siteFolder(t);
  for (const name of ['package.json', 'src', 'bench']) {
    const filter = (source: string) => !MADE.has(basename(source));
    await cp(join(ROOT, name), join(folder, name), { recursive: true, filter });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Runs npm in a folder. Resolves with its exit code and its output. It and its child processes are ended when the test ends. */
async function npm(t: ExecutionContext, folder: string, args: readonly string[]) {
  const child = spawn('npm', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  t.teardown(() => end(child));
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code, output: stdout + stderr };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  killGroup(child, 'SIGKILL');
  await once(child, 'exit');
}

function whyNot(): string | undefined {
  if (availableParallelism() < 2) return 'needs two cores';
  const missing = ['wrk', 'nginx'].filter((name) => findTool(name) === undefined);
  // .ci/run installs them, so they can be missing only on a developer's machine.
  return missing.length > 0 && !process.env.CI ? `needs ${installLine(missing.join(' '))}` : undefined;
}

const reason = whyNot();

(reason === undefined ? test : test.skip)(
  `npm ci installs the peers of the bench in a fresh clone, and npm run bench measures a round${reason === undefined ? '' : ` (${reason})`}`,
  async (t) => {
    t.timeout(INSTALL_TIMEOUT_MS);
    const folder = await freshClone(t);

    await npmInstall(join(folder, 'bench'), ['ci']);

    const { code, output } = await npm(t, folder, ['run', '--silent', 'bench', '--', ...ROUND]);
    t.is(code, 0, output);
    const rows = output.matchAll(/^1\/1 {2}(get|hello) +(\S+) +[1-9]\d* req\/s/gm);
    t.deepEqual(
      [...rows].map(([, scenario, server]) => `${scenario} ${server}`),
      ['get nexthop', 'get floor', 'get http-proxy', 'hello nexthop', 'hello node-http'],
    );
    t.notRegex(output, /is missing|installing the peers/);
  },
);
