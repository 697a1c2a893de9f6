import { spawn } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { messageOf } from '../contract/error-message.ts';
import { didYouMean } from '../contract/problem.ts';
import { UserError } from '../contract/user-error.ts';
import { defineCommand, type Out } from './command.ts';
import { isRunWithNewer } from './newer-node.ts';
import { readVersion } from './package-version.ts';
import { UsageError } from './usage-error.ts';

const TEMPLATES = ['edgeone', 'netlify', 'astro', 'express', 'proxy'] as const;

/** The package that runs. */
const PACKAGE = join(import.meta.dirname, '../..');

export const command = defineCommand({
  forms: ['init [FOLDER]'],
  about:
    'Writes a small site into a new or empty folder: a function with types, a test, package.json, .gitignore and a README; then npm installs its packages and writes the lock file.',
  words: 'own',
  flags: {
    template: { value: 'NAME', about: `one of ${TEMPLATES.join(', ')}; default: edgeone` },
    'no-install': { about: 'do not run npm install' },
    json: { about: 'print one JSON object' },
  },
  examples: [
    ['nexthop init my-site', 'a site with a function as on EdgeOne Pages'],
    ['nexthop init --template=proxy', 'a filter in front of a server, in this folder'],
  ],
  exits: { 0: 'the site is written', 1: 'the folder is not empty, or npm failed' },
  hasSite: false,
  hasSettings: false,
  run: ({ words, flags, out, complain }) => init({ words, ...flags, addsNode: isRunWithNewer() }, { out, complain }),
});

export interface InitCall {
  readonly words: readonly string[];
  readonly template?: string;
  readonly 'no-install'?: boolean;
  /** Prints one JSON object instead of lines. */
  readonly json?: boolean;
  /** The Node of this machine is too old for the scripts of the site: npm installs one in the site. */
  readonly addsNode?: boolean;
}

/**
 * Writes a site and installs its packages. Resolves with the exit code. Rejects with a UsageError
 * for an unknown template, with a UserError if the folder cannot be used.
 */
export async function init(
  { words, template = 'edgeone', 'no-install': isBare = false, json = false, addsNode = false }: InitCall,
  { out, complain }: { readonly out: Out; readonly complain: Out },
): Promise<number> {
  const [name = '.', extra] = words;
  if (extra !== undefined) throw new UsageError(`one folder at a time, got ${JSON.stringify(extra)} too`);
  if (!TEMPLATES.some((each) => each === template)) {
    const nearest = didYouMean(template, TEMPLATES) || `; there are ${TEMPLATES.join(', ')}`;
    throw new UsageError(`there is no template ${JSON.stringify(template)}${nearest}`);
  }
  const folder = resolve(name);
  await writeTemplate(folder, template, addsNode);
  const isInstalled = !isBare && (await install(folder, complain));
  const hasFailed = !isBare && !isInstalled;
  if (hasFailed) complain(`nexthop: npm install failed; the site is in ${folder}, call npm install there again`);
  if (json) out(JSON.stringify({ site: folder, template, installed: isInstalled }, undefined, 2));
  else if (!hasFailed) for (const line of toNextSteps({ folder, template, isInstalled })) out(line);
  return hasFailed ? 1 : 0;
}

interface Written {
  readonly folder: string;
  readonly template: string;
  readonly isInstalled: boolean;
}

function toNextSteps({ folder, template, isInstalled }: Written): readonly string[] {
  const enter = relative('.', folder) === '' ? [] : [`cd ${relative('.', folder)}`];
  const steps = [...enter, ...(isInstalled ? [] : ['npm install']), 'npm test', 'npm run dev'];
  return [`a site of the template ${template} is in ${folder}`, ...steps.map((step) => `  ${step}`)];
}

async function writeTemplate(folder: string, template: string, addsNode: boolean): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const names = (await readdir(folder)).filter((each) => each !== '.git');
    if (names.length > 0) {
      throw new UserError(`${folder} is not empty, it has ${names.slice(0, 3).join(', ')}; choose a new folder`);
    }
    const templates = join(PACKAGE, 'examples/templates');
    for (const part of ['shared', template]) await cp(join(templates, part), folder, { recursive: true });
    // npm leaves out a file of this name when it packs.
    await rename(join(folder, 'gitignore'), join(folder, '.gitignore'));
    const file = join(folder, 'package.json');
    const manifest = JSON.parse(await readFile(file, 'utf8'));
    const own = {
      ...manifest,
      name: toPackageName(basename(folder)) || manifest.name,
      dependencies: { ...manifest.dependencies, nexthop: await findSpec(folder) },
      ...(addsNode && { devDependencies: { ...manifest.devDependencies, node: '^24.0.0' } }),
    };
    await writeFile(file, `${JSON.stringify(own, undefined, 2)}\n`);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${folder} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

/** What npm accepts: lower case, without spaces; not the name of nexthop itself. */
function toPackageName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z\d._-]+/g, '-')
    .replace(/^[._-]+/, '');
  return plain === 'nexthop' ? '' : plain;
}

/**
 * How the site names the nexthop that runs: a version if it came from a registry, else the tarball
 * or the folder.
 */
async function findSpec(folder: string): Promise<string> {
  const version = `^${readVersion()}`;
  const [, project] = /^(.*)[\\/]node_modules[\\/]nexthop$/.exec(PACKAGE) ?? [];
  if (project === undefined) return `file:${relative(folder, PACKAGE)}`;
  try {
    const lock = JSON.parse(await readFile(join(project, 'node_modules/.package-lock.json'), 'utf8'));
    const resolved: unknown = lock.packages?.['node_modules/nexthop']?.resolved;
    if (typeof resolved !== 'string' || !resolved.startsWith('file:')) return version;
    return `file:${relative(folder, resolve(project, resolved.slice('file:'.length)))}`;
  } catch {
    // Not installed by npm.
    return version;
  }
}

/** Resolves with false if npm failed. Its output is written to stderr. */
function install(folder: string, complain: Out): Promise<boolean> {
  const child = spawn('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  });
  return new Promise((done) => {
    child.on('error', (error) => {
      complain(`nexthop: npm cannot be started: ${error.message}`);
      done(false);
    });
    child.on('close', (code) => done(code === 0));
  });
}
