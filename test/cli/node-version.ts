import { execFile } from 'node:child_process';
import { access, constants, cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { siteFolder } from '../helpers/site-folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const COMMAND = join(ROOT, 'dist/cli/cli.js');

/** Options that make every started Node report an older version. */
const OLDER =
  "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})";

const COMPLAINT =
  /^nexthop needs Node 24 or newer; this is Node \d+\.\d+\.\d+ \(\/.*\): install Node 24, or add it to the project with "npm install node@24"$/;

/** The entries of the package for programs, by their names in `exports`. */
const ENTRIES = ['nexthop', 'nexthop/astro', 'nexthop/astro-server', 'nexthop/session-store', 'nexthop/test'];

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = ROOT): Promise<Ran> {
  try {
    const output = await promisify(execFile)(program, args, { cwd, env: { PATH: process.env.PATH, ...env } });
    return { code: 0, ...output };
  } catch (error) {
    const { code, stdout, stderr } = error as Ran; // of execFile
    return { code, stdout, stderr };
  }
}

/** The entry of the command in a copy of the package: beside it is no package `node`. */
async function copyWithoutPackages(t: ExecutionContext): Promise<string> {
  const folder = await siteFolder(t, { 'package.json': '{ "type": "module" }' });
  for (const name of ['cli', 'config', 'contract'])
    await cp(join(ROOT, 'dist', name), join(folder, 'dist', name), { recursive: true });
  return join(folder, 'dist/cli/cli.js');
}

/** The path of a Node on this machine that is too old for nexthop; undefined if there is none. */
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

/** Arguments for Node that print the error message of the import of an entry. */
function toImport(entry: string): readonly string[] {
  const code = `import('${entry}').then(() => console.log('imported'), (error) => console.log(error.stack))`;
  return ['--input-type=module', '--eval', code];
}

for (const command of ['start', 'build', 'routes', 'jobs', 'health', '--version']) {
  test(`nexthop ${command} without the package node prints one line that this Node is too old`, async (t) => {
    const own = await copyWithoutPackages(t);
    const { code, stdout, stderr } = await run(process.execPath, ['--import', OLDER, own, command], {}, dirname(own));

    t.is(code, 1);
    t.is(stdout, '');
    t.regex(stderr.trimEnd(), COMPLAINT);
  });
}

for (const entry of ENTRIES) {
  test(`the import of ${entry} fails with one line that this Node is too old`, async (t) => {
    const { stdout } = await run(process.execPath, ['--import', OLDER, ...toImport(entry)]);

    t.regex(stdout.trimEnd(), COMPLAINT);
  });
}

test('npm start prints one line that this Node is too old', async (t) => {
  const { code, stderr } = await run('npm', ['start', '--silent'], { NODE_OPTIONS: `--import=${OLDER}` });

  t.is(code, 1);
  const lines = stderr.split('\n').filter((line) => /nexthop|node:|Error| at /.test(line));
  t.is(lines.length, 1, stderr);
  t.regex(lines[0] ?? '', COMPLAINT);
});

for (const template of ['edgeone', 'netlify', 'astro', 'express', 'proxy']) {
  test(`npm test in a site of the template ${template} prints one line that this Node is too old`, async (t) => {
    const manifest = await readFile(join(ROOT, 'examples/templates', template, 'package.json'), 'utf8');
    const site = await siteFolder(t, { 'package.json': manifest });
    await mkdir(join(site, 'node_modules'));
    await symlink(ROOT, join(site, 'node_modules/nexthop'));

    const { code, stderr } = await run('npm', ['test', '--silent'], { NODE_OPTIONS: `--import=${OLDER}` }, site);

    t.is(code, 1);
    const lines = stderr.split('\n').filter((line) => /nexthop|node:|Error| at /.test(line));
    t.is(lines.length, 1, stderr);
    t.regex(lines[0] ?? '', COMPLAINT);
  });
}

// Only a real older Node shows that it can link the modules up to that line; a newer one that reports an older version cannot.
const onOldNode = oldNode === undefined ? test.skip : test;

onOldNode('a Node that is really too old runs commands by the package node, with their exit codes', async (t) => {
  t.regex((await run(oldNode ?? '', [COMMAND, '--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
  const wrong = await run(oldNode ?? '', [COMMAND, 'stat']);
  t.is(wrong.code, 2);
  t.is(wrong.stderr, 'nexthop: there is no command "stat"; did you mean start?\n');
});

onOldNode(
  'a Node that is really too old says so, of the command without the package node and of each entry',
  async (t) => {
    const own = await copyWithoutPackages(t);
    const command = await run(oldNode ?? '', [own], {}, dirname(own));
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
  },
);
