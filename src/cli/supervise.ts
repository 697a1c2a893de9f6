import { extname, join } from 'node:path';
import type { Config } from '../config/config.ts';
import { readMemoryBytes } from '../process/container.ts';
import type { ControlSocket } from '../process/control-socket.ts';
import { appendErrorLine, type ErrorLevel } from '../process/error-lines.ts';
import { type ListeningSocket, openListeningSocket } from '../process/listening-socket.ts';
import { describeDrain, onStopSignal } from '../process/stop-signals.ts';
import { Supervisor } from '../process/supervisor.ts';
import { withYoungGeneration } from '../process/young-generation.ts';
import type { Reload } from '../site/reload.ts';
import type { EarlySignals } from './early-signals.ts';
import { openControl, type Reloading, reloadAndPrint } from './reload.ts';

type Out = (line: string) => void;

export interface SuperviseParts {
  readonly out: Out;
  readonly signals: EarlySignals;
}

/** Passed on to the workers, which have the logs and the certificate (start.ts). */
const PASSED_SIGNALS = ['SIGUSR1', 'SIGUSR2'] as const;

/** Of the memory of the container. The rest is for code, buffers of sockets, and the supervisor. */
const SHARE_OF_HEAPS = 0.85;
/** What a heap may grow between its replacement at WORKER_MEMORY_LIMIT and its end by V8, as a share of the limit. */
const MARGIN = 0.1;
const LEAST_MARGIN_BYTES = 32 * 2 ** 20;

const FIRST_ENDED = 'the worker that read the site first ended while it did; the other workers keep their code';

/**
 * Serves the site with this many worker processes until a signal ends them. Resolves with the exit
 * code: 0 after a drain, that of the first worker if it cannot start. Rejects if the port cannot be
 * used.
 */
export async function supervise(config: Config, count: number, { out, signals }: SuperviseParts): Promise<number> {
  const { DRAIN_DELAY, DRAIN_TIMEOUT, HOST, PORT, functionEnv } = config;
  const socket = await openListeningSocket({ host: HOST, port: PORT });
  const entry = join(import.meta.dirname, `worker${extname(import.meta.filename)}`);
  const log = toLog(config);
  const memoryLimitBytes = config.WORKER_MEMORY_LIMIT ?? Math.floor((readMemoryBytes() * SHARE_OF_HEAPS) / count);
  let control: Promise<ControlSocket | undefined> | undefined;
  // Readers of the lines about the start may run `nexthop reload` at once.
  const print = (line: string): void => void (control ? control.then(() => out(line)) : out(line));
  const supervisor = new Supervisor({
    count,
    command: {
      // For each worker anew: the site may have got a build since.
      get args() {
        const options = withYoungGeneration(process.execArgv, { config, processes: count });
        return [...toHeapFlag(memoryLimitBytes, functionEnv), ...options, entry, ...process.argv.slice(2)];
      },
      env: functionEnv,
      listenFd: socket.fd,
      memoryLimitBytes,
    },
    drainMs: DRAIN_DELAY + DRAIN_TIMEOUT,
    log,
    print,
    onStarted: () => {
      control = openControl(reloading);
    },
  });
  const reloading: Reloading = {
    config,
    out: print,
    reload: async () => toOne(await supervisor.reload()),
    warn: (message, { error }) => log('warn', message, { error: String(error) }),
  };
  const listener = await openMetrics(config, supervisor);
  endBySignals(supervisor, socket, out);
  for (const signal of PASSED_SIGNALS) process.on(signal, () => supervisor.passOn(signal));
  process.on('SIGHUP', () => {
    // Opens the logs again.
    supervisor.passOn('SIGUSR2');
    void reloadAndPrint(reloading);
  });
  const ended = supervisor.run();
  signals.release();
  const code = await ended;
  listener?.close();
  await (await control)?.close();
  return code;
}

async function openMetrics({ METRICS_PORT, METRICS_HOST }: Config, supervisor: Supervisor) {
  if (METRICS_PORT === 0) return undefined;
  const { openMetricsListener } = await import('../metrics/metrics-listener.ts');
  const collect = () => supervisor.collectMetrics();
  return openMetricsListener({ host: METRICS_HOST, port: METRICS_PORT, collect });
}

/**
 * V8 ends the process at this size. A worker between the two limits is replaced without losing a
 * request; one that reaches the second limit at once has a function that takes any amount.
 */
function toHeapFlag(limitBytes: number, { NODE_OPTIONS = '' }: Config['functionEnv']): readonly string[] {
  if (limitBytes === 0 || NODE_OPTIONS.includes('max-old-space-size')) return [];
  const hardLimitBytes = limitBytes + Math.max(limitBytes * MARGIN, LEAST_MARGIN_BYTES);
  return [`--max-old-space-size=${Math.ceil(hardLimitBytes / 2 ** 20)}`];
}

function toLog({ LOG_DIR, LOG_STDOUT }: Config) {
  const lines = { errorLog: LOG_DIR && join(LOG_DIR, 'error.log'), isCopied: LOG_STDOUT };
  return (level: ErrorLevel, message: string, fields: object): void =>
    appendErrorLine(lines, { level, message, ...fields });
}

function endBySignals(supervisor: Supervisor, socket: ListeningSocket, out: Out): void {
  onStopSignal(({ name, code, kind }) => {
    if (kind === 'echo') return;
    if (kind === 'first') {
      // The workers hold it for DRAIN_DELAY. Afterwards its queue would take connections in vain.
      socket.close();
      out(describeDrain(name));
    }
    supervisor.stop(name, { code, atOnce: kind === 'second' });
  });
}

/** All workers read the same files: the first result, or one that differs by what was not used. */
function toOne(outcomes: readonly (object | undefined)[]): Reload {
  const reloads = outcomes as readonly (Reload | undefined)[]; // what `Edge.reload` of a worker resolved with
  if (outcomes.length > 0 && !reloads[0]) return { state: 'kept', reason: FIRST_ENDED, problems: [] };
  const kept = reloads.find((each) => each?.state === 'kept');
  return kept ?? reloads[0] ?? { state: 'kept', reason: 'no worker runs at the moment', problems: [] };
}
