import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import test from 'ava';
import { createBaseImage } from './helpers/base-image.ts';
import { carryOutDockerfile, type Image, toHostCommand, toHostPath } from './helpers/dockerfile.ts';
import { killGroup } from './helpers/kill-process.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');

const asRoot = process.getuid?.() === 0;
const inRoot = asRoot ? test.serial : test.serial.skip;
const reason = asRoot ? '' : ' (skipped: only root can become the container’s user)';

let folder = '';
let image: Image;

test.before(async () => {
  if (!asRoot) return;
  folder = await mkdtemp(join(tmpdir(), 'nexthop-docker-'));
  // The container's user must get in.
  await chmod(folder, 0o755);
  image = await carryOutDockerfile(ROOT, folder, await createBaseImage(join(folder, 'base')));
  // Without the state of a process that another test file runs in this folder: its sockets cannot be copied.
  const filter = (source: string) => basename(source) !== '.nexthop';
  await cp(join(ROOT, 'examples/hello'), toHostPath(image, '/site'), { recursive: true, filter });
});

test.after.always(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

inRoot(`the image starts node itself, as a user that is not root, on the port it exposes${reason}`, async (t) => {
  t.is(image.command[0], 'node');
  t.not(image.user.uid, 0);
  t.is(image.exposed, '8080');
  t.is((await stat(toHostPath(image, '/var/log/nodejs'))).uid, image.user.uid);
});

inRoot(`the image holds the production dependencies and no other${reason}`, async (t) => {
  const { dependencies, devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const isInstalled = (name: string): boolean => existsSync(toHostPath(image, `/app/node_modules/${name}`));

  for (const name of Object.keys(dependencies)) t.true(isInstalled(name), name);
  for (const name of Object.keys(devDependencies)) t.false(isInstalled(name), name);
  t.deepEqual((await readdir(toHostPath(image, '/app'))).sort(), [
    'dist',
    'node_modules',
    'package-lock.json',
    'package.json',
  ]);
});

inRoot(`a container answers, is healthy, logs, and ends with 0 on SIGTERM${reason}`, async (t) => {
  const container = await startContainer(image);
  t.teardown(container.kill);

  const answer = await fetch(`${container.url}/api/hello`);
  t.is(await answer.text(), 'Hello from a function!\n');

  const { port } = new URL(container.url);
  const { file, args, options } = toHostCommand(image, image.healthcheck);
  await t.notThrowsAsync(run(file, args, { ...options, env: { ...options.env, PORT: port } }));

  t.is(await container.stop('SIGTERM'), 0);
  t.regex(await readFile(toHostPath(image, '/var/log/nodejs/access.log'), 'utf8'), /"GET \/api\/hello HTTP\/1\.1"/);
  await t.throwsAsync(run(file, args, { ...options, env: { ...options.env, PORT: port } }), { message: /health/ });
});

/** A root that nothing can be written to, apart from the folders of logs and data, as with --read-only. */
const READ_ONLY = `
  mount --bind "$0" "$0"
  for folder in var/log/nodejs var/lib/nexthop; do mount --bind "$0/$folder" "$0/$folder"; done
  mount -o remount,bind,ro "$0"
  cd "$0/app"
  if touch "$0/site/file"; then exit 9; fi
  exec setpriv --reuid=1000 --regid=1000 --clear-groups "$@"`;

inRoot(
  `a container with a read-only root answers a function and logs, and ends with 0 on SIGTERM${reason}`,
  async (t) => {
    const container = await startContainer(image, {
      under: ['unshare', '--mount', 'sh', '-ec', READ_ONLY, image.root],
      env: { DATA_DIR: toHostPath(image, '/var/lib/nexthop') },
    });
    t.teardown(container.kill);

    t.is(await (await fetch(`${container.url}/api/hello`)).text(), 'Hello from a function!\n');
    t.is(await container.stop('SIGTERM'), 0);
  },
);

inRoot(`the Dockerfile copies what .dockerignore leaves, and nothing else${reason}`, async (t) => {
  const ignored = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n');
  const left = ignored.flatMap((line) => /^!(.*)/.exec(line)?.[1] ?? []);
  const copied = [...(await readFile(join(ROOT, 'Dockerfile'), 'utf8')).matchAll(/^COPY ([^-].*) \S+$/gm)];

  t.true(ignored.includes('*'));
  t.deepEqual([...new Set(copied.flatMap(([, paths = '']) => paths.split(' ')))].sort(), left.sort());
});

interface Running {
  /** A program with its arguments that starts the command as the image's user. Default: the test does. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the command of the image as its user, in a new process group. */
async function startContainer(of: Image, { under, env: more = {} }: Running = {}) {
  const { file, args, options } = toHostCommand(of, of.command);
  const env = {
    ...options.env,
    HOME: toHostPath(of, '/site'),
    PORT: '0',
    WORKERS: '0',
    LOG_DIR: toHostPath(of, '/var/log/nodejs'),
    ...more,
  };
  const [program = file, ...rest] = under ? [...under, file, ...args] : [file, ...args];
  const user = under ? { cwd: options.cwd } : options;
  const child = spawn(program, rest, { ...user, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit');
  const lines: string[] = [];
  const url = new Promise<string>((resolve, reject) => {
    const onLine = (line: string): void => {
      lines.push(line);
      const [, found] = /listens on (http:\S+)/.exec(line) ?? [];
      if (found) resolve(found);
    };
    createInterface({ input: child.stdout }).on('line', onLine);
    createInterface({ input: child.stderr }).on('line', onLine);
    exit.then(([code]) => reject(new Error(`the container ended with ${code}:\n${lines.join('\n')}`)), reject);
  });
  return {
    url: await url,
    stop: async (signal: NodeJS.Signals): Promise<number | null> => {
      child.kill(signal);
      return (await exit)[0];
    },
    kill: () => {
      try {
        // The whole process group, npm and the server, in case the test failed before it stopped them.
        killGroup(child, 'SIGKILL');
      } catch {
        // All of them have ended.
      }
    },
  };
}
