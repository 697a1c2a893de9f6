import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Project } from '../../src/dialects/dialect.ts';
import type { Log } from '../../src/log/log.ts';
import { siteFolder } from './site-folder.ts';

const SILENT: Log = {
  info() {},
  warn() {},
  error() {},
  access() {},
  reopen() {},
  async close() {},
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
    functionLimits: { bodyBytes: 0, timeoutMs: 0 },
    ...parts,
  };
}
