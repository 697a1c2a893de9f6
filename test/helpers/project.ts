import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Log } from '../../src/contract/log.ts';
import type { Project, ProjectLimits } from '../../src/contract/project.ts';
import { createRouter } from '../../src/routing/router.ts';
import { siteFolder } from './site-folder.ts';

const SILENT: Log = {
  info() {},
  warn() {},
  error() {},
  access() {},
  reopen() {},
  async close() {},
};

/** No limits. */
export const NO_LIMITS: ProjectLimits = {
  bodyBytes: 0,
  timeoutMs: 0,
  streamMs: 0,
  streamBytes: 0,
  backgroundBodyBytes: 0,
  backgroundMs: 0,
  scheduledMs: 0,
};

/** Creates a project for a dialect from files (path → text). Its code can import the packages of this repository. Removed when the test ends. */
export async function project(
  t: ExecutionContext,
  files: Readonly<Record<string, string>>,
  parts: Partial<Project> = {},
): Promise<Project> {
  const root = await siteFolder(t, files);
  await symlink(join(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'));
  return {
    root,
    dataDir: join(root, '.nexthop'),
    log: SILENT,
    region: '',
    env: {},
    functionLimits: NO_LIMITS,
    createRouter,
    processEnv: process.env,
    ...parts,
  };
}
