import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const ROOT = join(import.meta.dirname, '../..');
const COMMAND = join(ROOT, 'dist/cli/cli.js');

/** Has every Node that is started with it say that it is an older one. */
const OLDER =
  "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})";

const COMPLAINT =
  /^nexthop needs Node 24 or newer; this is Node \d+\.\d+\.\d+ \(\/.*\): install Node 24, or add it to the project with "npm install node@24"$/;

/** What programs import, each under its name in `exports`. */
const ENTRIES = ['nexthop', 'nexthop/astro', 'nexthop/astro-server', 'nexthop/session-store'];

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  try {
    const told = await promisify(execFile)(program, args, { cwd: ROOT, env: { PATH: process.env.PATH, ...env } });
    return { code: 0, ...told };
  } catch (error) {
    const { code, stdout, stderr } = error as Ran; // of execFile
    return { code, stdout, stderr };
  }
}

/** A Node of this machine on which nexthop does not run; undefined if there is none. */
async function findOldNode(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const program = join(folder, 'node');
    const isThere = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere && Number.parseInt((await run(program, ['--version'])).stdout.slice(1), 10) < 24) return program;
  }
  return undefined;
}

const oldNode = await findOldNode();

/** Prints the message with which the import of an entry fails. */
function toImport(entry: string): readonly string[] {
  const code = `import('${entry}').then(() => console.log('imported'), (error) => console.log(error.stack))`;
  return ['--input-type=module', '--eval', code];
}

for (const command of ['start', 'build', 'routes', 'jobs', 'health', '--version']) {
  test(`nexthop ${command} says in one line that this Node is too old`, async (t) => {
    const { code, stdout, stderr } = await run(process.execPath, ['--import', OLDER, COMMAND, command]);

    t.is(code, 1);
    t.is(stdout, '');
    t.regex(stderr.trimEnd(), COMPLAINT);
  });
}

for (const entry of ENTRIES) {
  test(`the import of ${entry} fails with one line that says that this Node is too old`, async (t) => {
    const { stdout } = await run(process.execPath, ['--import', OLDER, ...toImport(entry)]);

    t.regex(stdout.trimEnd(), COMPLAINT);
  });
}

test('npm start says in one line that this Node is too old', async (t) => {
  const { code, stderr } = await run('npm', ['start', '--silent'], { NODE_OPTIONS: `--import=${OLDER}` });

  t.is(code, 1);
  const lines = stderr.split('\n').filter((line) => /nexthop|node:|Error| at /.test(line));
  t.is(lines.length, 1, stderr);
  t.regex(lines[0] ?? '', COMPLAINT);
});

// Whether an older Node gets as far as that line depends on what it can link, which a newer one that only claims to be old cannot show.
const onOldNode = oldNode === undefined ? test.skip : test;

onOldNode('a Node that is really too old says so, of the command and of each entry', async (t) => {
  const command = await run(oldNode ?? '', [COMMAND]);
  t.is(command.code, 1);
  t.regex(command.stderr.trimEnd(), COMPLAINT);

  const { default: manifest } = await import(pathToFileURL(join(ROOT, 'package.json')).href, {
    with: { type: 'json' },
  });
  t.true(ENTRIES.every((entry) => entry.replace('nexthop', '.') in manifest.exports));
  for (const entry of ENTRIES) {
    const { stdout } = await run(oldNode ?? '', toImport(entry));
    t.regex(stdout.trimEnd(), COMPLAINT, entry);
  }
});
