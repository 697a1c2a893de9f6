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

/** Nothing is limited. */
export const NO_LIMITS: ProjectLimits = {
  bodyBytes: 0,
  timeoutMs: 0,
  streamMs: 0,
  streamBytes: 0,
  backgroundBodyBytes: 0,
  backgroundMs: 0,
  scheduledMs: 0,
};

/** A project as a dialect gets it, with the files given as path → text. It can import the packages installed here. Removed when the test ends. */
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
