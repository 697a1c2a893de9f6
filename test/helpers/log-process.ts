import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { PATIENCE_MS } from './patience.ts';

const OPEN = new URL('../../src/log/open.ts', import.meta.url).href;

export interface LogProcessSetup {
  readonly dir: string;
  readonly stdout?: boolean;
  /** Largest file that the process may write, in bytes: what is more fails like a full disk. */
  readonly fileLimitBytes?: number;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** A process of its own with an open log. */
export class LogProcess {
  readonly child: Child;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;

  constructor(child: Child) {
    this.child = child;
    this.exited = once(child, 'exit').then(([code, signal]) => code ?? signal);
  }

  /** Resolves when the script calls `process.send(word)`. */
  async said(word: string): Promise<void> {
    for (;;) {
      const [message] = await once(this.child, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) });
      if (message === word) return;
    }
  }
}

/** As much of an answered exchange as an access line needs. */
const ACCESS = `
  const exchange = {
    request: { method: 'GET', minor: 1, get() {} },
    response: { isHeadWritten: true, status: 200, sentBytes: 0 },
    client: { address: '' },
    requestId: { value: '' },
    tookMs: 0,
    writtenBytes: 0,
    contentType: '',
    upstreamStatus: '',
    upstreamAddress: '',
    sectionTag: '',
    route: '',
    answeredBy: '',
    traceId: '',
  };
  const access = (askedTarget) => log.access({ ...exchange, askedTarget });`;

/**
 * Runs a script that finds its open log in `log`, and in `access(target)` what writes an access line. In it, `await go` waits for
 * the first message. Ended when the test ends.
 */
export function startLogProcess(
  t: ExecutionContext,
  script: string,
  { dir, stdout = false, fileLimitBytes }: LogProcessSetup,
): LogProcess {
  const code = `
    import { openLog } from ${JSON.stringify(OPEN)};
    const go = new Promise((resolve) => process.once('message', resolve));
    const log = openLog({ dir: ${JSON.stringify(dir)}, level: 'info', stdout: ${stdout}, shortAddresses: false });
    ${ACCESS}
    ${script}`;
  const limits = fileLimitBytes === undefined ? [] : [`--fsize=${fileLimitBytes}:unlimited`];
  const child = spawn('prlimit', [...limits, process.execPath, '--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  }) as Child; // the types know no list of four
  t.teardown(() => child.kill('SIGKILL'));
  return new LogProcess(child);
}
