import { spawnSync } from 'node:child_process';
import { findTool, installLine } from '../tool.ts';
import type { Found } from './server.ts';

/** Finds a server that Debian packages under its own name. Its version is the first number that it prints. */
export function findDebianTool(name: string, versionArgument: string): Found {
  const path = findTool(name);
  if (path === undefined) return { missing: installLine(name) };
  const { stdout, stderr } = spawnSync(path, [versionArgument], { encoding: 'utf8' });
  return { version: /\d[\w.+~-]*/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown' };
}
