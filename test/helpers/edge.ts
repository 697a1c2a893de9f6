import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { readConfig } from '../../src/config/config.ts';
import type { Development } from '../../src/contract/development.ts';
import type { Dialect } from '../../src/contract/dialect.ts';
import { createEdge, type Edge } from '../../src/edge.ts';
import { PATIENCE_MS, SOON_MS } from './patience.ts';
import { connectTo, type Peer } from './peer.ts';

export interface RunningEdge {
  readonly edge: Edge;
  readonly port: number;
  readonly url: string;
  readonly logDir: string;
  /** Opens a connection. */
  connect(): Promise<Peer>;
  /** Sends one request on a new connection and resolves with all received bytes. */
  exchange(request: string): Promise<string>;
  /** Drains the edge. Without this call it is drained when the test ends. */
  close(): Promise<void>;
  /** Resolves with the parsed lines of access.log when there are at least `count`. */
  accessLines(count: number): Promise<Record<string, string>[]>;
  /** The parsed lines of error.log so far. */
  errorLines(): Promise<Record<string, unknown>[]>;
}

export interface EdgeSetup {
  /** Folder of the site; default: an empty one. */
  readonly site?: string;
  /** Settings as environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: all. */
  readonly dialects?: readonly Dialect[];
  /** Time limit of a call to the store. Default: PATIENCE_MS; a test whose store is away gives CALL_TIMEOUT_MS. */
  readonly callTimeoutMs?: number;
  /** As in `nexthop dev`. */
  readonly development?: Development;
}

/** Starts an edge in this process, on a free port, with a new log folder. */
export async function startEdge(
  t: ExecutionContext,
  { site, env = {}, dialects, callTimeoutMs = PATIENCE_MS, development }: EdgeSetup = {},
): Promise<RunningEdge> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-'));
  const logDir = join(folder, 'log');
  const config = readConfig({
    site: site ?? folder,
    env: { PORT: '0', HOST: '127.0.0.1', DRAIN_TIMEOUT: '2s', LOG_DIR: logDir, ...env },
  });
  const edge = await createEdge(config, {
    callTimeoutMs,
    ...(dialects && { dialects }),
    ...(development && { development }),
  });
  const port = await edge.listen();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= edge.close();
    return closing;
  };
  t.teardown(async () => {
    await close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    edge,
    port,
    url: `http://127.0.0.1:${port}`,
    logDir,
    close,
    connect: () => connectTo(t, port),
    async exchange(request) {
      const peer = await connectTo(t, port);
      peer.write(request);
      return peer.readToEnd();
    },
    accessLines: (count) => linesOf(join(logDir, 'access.log'), count) as Promise<Record<string, string>[]>,
    errorLines: () => linesOf(join(logDir, 'error.log'), 0),
  };
}

/** Polls the file, because the log is written in batches. */
async function linesOf(path: string, count: number): Promise<Record<string, unknown>[]> {
  const deadline = Date.now() + SOON_MS;
  for (;;) {
    const text = await readFile(path, 'utf8');
    const lines = text.split('\n').slice(0, -1);
    if (lines.length >= count) return lines.map((line) => JSON.parse(line));
    if (Date.now() > deadline) throw new Error(`${path} has ${lines.length} of ${count} lines`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
