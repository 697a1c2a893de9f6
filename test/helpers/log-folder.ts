import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Log } from '../../src/contract/log.ts';
import { type LogOptions, openLog } from '../../src/log/open.ts';

export interface LogFolder {
  readonly dir: string;
  /** Opens a log in the folder. Closed when the test ends. */
  open(options?: Partial<LogOptions>): Log;
  path(name: string): string;
  /** The text of a file, '' if there is none. */
  read(name: string): Promise<string>;
  /** The parsed lines of a file. Throws if a line is incomplete. */
  lines(name: string): Promise<Record<string, unknown>[]>;
}

/** Creates a folder for logs. Removed when the test ends. */
export async function logFolder(t: ExecutionContext): Promise<LogFolder> {
  const dir = await mkdtemp(join(tmpdir(), 'nexthop-log-'));
  const logs: Log[] = [];
  t.teardown(async () => {
    await Promise.all(logs.map((log) => log.close(0)));
    await rm(dir, { recursive: true, force: true });
  });
  const read = (name: string): Promise<string> => readFile(join(dir, name), 'utf8').catch(() => '');
  return {
    dir,
    open(options = {}) {
      const log = openLog({ dir, level: 'info', stdout: false, shortAddresses: false, ...options });
      logs.push(log);
      return log;
    },
    path: (name) => join(dir, name),
    read,
    async lines(name) {
      return (await read(name))
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    },
  };
}
