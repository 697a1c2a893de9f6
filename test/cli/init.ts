import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { check } from '../../src/cli/check.ts';
import { type InitCall, init } from '../../src/cli/init.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { readConfig } from '../../src/config/config.ts';
import { UserError } from '../../src/contract/user-error.ts';
import { astroCli, astroEnv, astroSources } from '../helpers/astro-site.ts';
import { CHILD_ENV } from '../helpers/child-env.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const ROOT = join(import.meta.dirname, '../..');

async function run(folder: string, call: Partial<InitCall> = {}): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const code = await init({ words: [folder], 'no-install': true, ...call }, { out: write, complain: write });
  return { code, text: lines.join('\n') };
}

/** Runs a program and resolves with its output; a failure rejects with it. */
async function output(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = CHILD_ENV): Promise<string> {
  try {
    return (await promisify(execFile)(process.execPath, args, { cwd, env })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }; // of execFile
    throw new Error(`${stdout}\n${stderr}`, { cause: error });
  }
}

/** The packages of the repository, as if npm had installed them. */
async function linkPackages(site: string): Promise<void> {
  await mkdir(join(site, 'node_modules'));
  await symlink(ROOT, join(site, 'node_modules/nexthop'));
  for (const name of ['express', 'typescript', '@types', '@netlify']) {
    await symlink(join(ROOT, 'node_modules', name), join(site, 'node_modules', name));
  }
}

async function complaints(site: string): Promise<string[]> {
  const lines: string[] = [];
  await check(readConfig({ site, env: {} }), (line) => lines.push(line), { json: true });
  const { problems, notes } = JSON.parse(lines.join('\n'));
  return [...problems.map(({ file, message }: { file: string; message: string }) => `${file} ${message}`), ...notes];
}

const NO_LOCK = 'package-lock.json is missing; run "npm install" and commit the file';

for (const template of ['edgeone', 'netlify', 'express', 'proxy']) {
  test(`the template ${template} passes its own test, and a check finds nothing but the missing lock file`, async (t) => {
    const site = join(await siteFolder(t), 'My Site');
    const { code, text } = await run(site, { template });
    await linkPackages(site);

    t.is(code, 0);
    t.regex(text, /^a site of the template .* is in .*My Site\n {2}cd .*My Site\n {2}npm install\n {2}npm test\n/);
    t.regex(
      await output(['--test', 'test/*.test.ts'], site, { ...CHILD_ENV, LOG_DIR: '' }),
      /# pass [12]\n# fail 0|pass [12]\n[\s\S]*fail 0/,
    );
    t.deepEqual(await complaints(site), [NO_LOCK]);
    t.like(JSON.parse(await readFile(join(site, 'package.json'), 'utf8')), {
      name: 'my-site',
      scripts: { start: 'nexthop start' },
    });
    t.true((await readFile(join(site, '.gitignore'), 'utf8')).includes('node_modules\n'));
  });
}

for (const template of ['edgeone', 'netlify', 'astro', 'express', 'proxy']) {
  test(`each npm script in the README of the template ${template} is there, and those with flags are commands of nexthop`, async (t) => {
    const folder = join(ROOT, 'examples/templates', template);
    const { scripts } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const readme = await readFile(join(folder, 'README.md'), 'utf8');

    const calls = [...readme.matchAll(/npm (?:run )?(dev|test|check|start|build)\b( -- --(?:log-dir|next-hop)=)?/g)];
    t.true(calls.length > 5);
    for (const [call, script = '', flags] of calls) {
      t.regex(scripts[script] ?? '', flags === undefined ? /./ : /^nexthop (?:dev|start)$/, call);
    }
  });
}

test('a site that an older Node makes gets a Node for its scripts', async (t) => {
  const site = await siteFolder(t);

  await run(site, { addsNode: true });

  const { devDependencies } = JSON.parse(await readFile(join(site, 'package.json'), 'utf8'));
  t.is(devDependencies.node, '^24.0.0');
});

test('init --json prints one object instead of the next steps', async (t) => {
  const site = join(await siteFolder(t), 'shop');

  const { code, text } = await run(site, { json: true });

  t.is(code, 0);
  t.deepEqual(JSON.parse(text), { site, template: 'edgeone', installed: false });
});

test('the template astro builds and passes its own test', async (t) => {
  const setup = { major: 7, adapter: 'nexthop/astro' } as const;
  const site = await astroSources(t, setup);
  for (const name of await readdir(site)) await rm(join(site, name), { recursive: true });
  await run(site, { template: 'astro' });

  await output([astroCli(7), 'build'], site, astroEnv(setup));

  t.regex(await output(['--test', 'test/*.test.ts'], site), /pass 1\n[\s\S]*fail 0/);
});

test('a folder with files is not changed', async (t) => {
  const site = await siteFolder(t, { 'a.txt': '', '.git/HEAD': '' });

  await t.throwsAsync(run(site), {
    instanceOf: UserError,
    message: `${site} is not empty, it has a.txt; choose a new folder`,
  });
  t.deepEqual(await readdir(site), ['.git', 'a.txt']);
});

test('an unknown template is refused with the nearest one', async (t) => {
  const site = await siteFolder(t);

  await t.throwsAsync(run(site, { template: 'netlfy' }), {
    instanceOf: UsageError,
    message: 'there is no template "netlfy"; did you mean netlify?',
  });
  await t.throwsAsync(run(site, { template: 'x' }), {
    message: 'there is no template "x"; there are edgeone, netlify, astro, express, proxy',
  });
  await t.throwsAsync(run(site, { words: ['a', 'b'] }), { instanceOf: UsageError });
});

test('a repository of git without files, and this folder, may be used', async (t) => {
  const site = await siteFolder(t, { '.git/HEAD': '' });
  await cp(join(ROOT, 'LICENSE'), join(site, '.git/LICENSE'));

  t.is((await run(site, { template: 'proxy' })).code, 0);
  t.true((await readdir(site)).includes('middleware.ts'));
});
