import { realpath } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { toDevServer } from '../../src/cli/dev-server.ts';
import { readConfig } from '../../src/config/config.ts';
import { DevSession } from '../../src/dev/session.ts';
import { Terminal } from '../../src/dev/terminal.ts';
import { type RunningEdge, startEdge } from './edge.ts';
import { siteFolder } from './site-folder.ts';

export interface DevelopedSite extends RunningEdge {
  readonly session: DevSession;
  /** Absolute path. */
  readonly site: string;
  /** The lines of the terminal so far. */
  readonly lines: readonly string[];
  /** Files outside of the site that its readings reported. */
  readonly outside: readonly string[];
}

export interface DevSetup {
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts an edge in this process as `nexthop dev` does, without watching files. */
export async function developSite(
  t: ExecutionContext,
  files: Readonly<Record<string, string>>,
  { env = {} }: DevSetup = {},
): Promise<DevelopedSite> {
  const site = await realpath(await siteFolder(t, files));
  const lines: string[] = [];
  const outside: string[] = [];
  const session = new DevSession({
    site,
    terminal: new Terminal({ out: (line) => void lines.push(line), hasColors: false }),
    nextHop: 'http://127.0.0.1:1',
    onOutside: (each) => void outside.push(...each),
  });
  const running = await startEdge(t, {
    site,
    env: { DEV: '1', NEXT_HOP: 'http://127.0.0.1:1', ...env },
    development: session,
  });
  const config = readConfig({ site, env: { NEXT_HOP: 'http://127.0.0.1:1', ...env }, defaults: { DEV: '1' } });
  session.page.server = toDevServer({ edge: running.edge, config, site, port: running.port });
  return { ...running, session, site, lines, outside };
}
