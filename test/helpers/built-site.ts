import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Problem } from '../../src/contract/problem.ts';
import type { Project } from '../../src/contract/project.ts';
import { compile, type Exports } from '../../src/dialects/loader/compile.ts';
import { findKept } from '../../src/dialects/loader/kept-build.ts';
import { NewBuild } from '../../src/dialects/loader/new-build.ts';
import { survey } from '../../src/dialects/loader/survey.ts';
import { project } from './project.ts';

/** A site with one function that depends on each kind of file on which a build can depend. */
export const FILES = {
  'package.json': '{}',
  'tsconfig.json': '{"extends": "./base.json" /* as in many projects */}',
  'base.json': '{"compilerOptions": {"paths": {"@/*": ["./lib/*"]}}}',
  'lib/help.js': 'export const help = "help";',
  'lib/facts.json': '{"fact": 1}',
  'api/a.ts': [
    "import { help } from '@/help'; import facts from '../lib/facts.json'; import { name } from 'small';",
    "import { readFileSync } from 'node:fs';",
    "export const onRequest = () => [help, facts.fact, name, readFileSync(__dirname + '/data.txt', 'utf8')];",
    "export const place = import.meta.url; export const later = () => import('small');",
    'export const fail = () => { throw new Error("x"); };',
  ].join('\n'),
  'api/data.txt': 'data',
  'api/node_modules/small/package.json': '{"version": "1.0.0", "main": "main.js"}',
  'api/node_modules/small/main.js': "exports.name = 'small';",
};

/** Writes the site and compiles it as `nexthop build` does. */
export async function builtSite(t: ExecutionContext): Promise<Project> {
  const opened = await project(t, FILES);
  await compileAhead(opened, ['api/a.ts']);
  return opened;
}

/** Compiles files, by their paths in the site, as a dialect does for `nexthop build`. */
export async function compileAhead(opened: Project, files: readonly string[]): Promise<void> {
  const ahead = await NewBuild.open(opened.dataDir, opened.root);
  const paths = files.map((file) => join(opened.root, file));
  await survey({ ...opened, ahead }, paths);
  await compile({ ...opened, ahead }, { files: paths });
  await ahead.finish();
}

/** Whether a start would use the build of the site. */
export async function isFresh(opened: Project): Promise<boolean> {
  const kept = await findKept(opened, { kind: 'functions', files: ['api/a.ts'] });
  return kept.state === 'fresh';
}

export interface LoadedFile {
  readonly exports: Exports;
  readonly problems: readonly Problem[];
}

/** Loads a function as a start does. */
export async function loadFile(opened: Project, file = 'api/a.ts'): Promise<LoadedFile> {
  const path = join(opened.root, file);
  const { problems, load } = await compile(opened, { files: [path] });
  const loaded = await load(path);
  if (loaded.state !== 'ready') throw new Error(`${file} is ${loaded.state}`);
  return { exports: loaded.exports, problems };
}
