import { constants } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { spellOrigin } from '../config/setting.ts';
import type { ProcessLog } from '../contract/log.ts';
import { logProblems } from '../contract/problem.ts';
import { countRoutes } from '../contract/route.ts';
import { createEdge, type Edge, type EdgeOptions } from '../edge.ts';
import type { MetricsListener } from '../metrics/metrics-listener.ts';
import type { ControlSocket } from '../process/control-socket.ts';
import { watchHeap } from '../process/heap-watch.ts';
import { capturePrinted } from '../process/printed-text.ts';
import { guardProcess } from '../process/process-guard.ts';
import { describeRoute, STOPPED } from '../process/route-breaker.ts';
import { openRouteRecord, type RouteRecord } from '../process/route-record.ts';
import { shrinkHeapWhenIdle } from '../process/shrink-heap.ts';
import { SITE_LOADS } from '../process/site-loads.ts';
import { describeDrain, onStopSignal } from '../process/stop-signals.ts';
import { StoppedRoutes } from '../process/stopped-routes.ts';
import type { SupervisorLink } from '../process/supervisor-link.ts';
import { startWatchdog, type Watchdog } from '../process/watchdog.ts';
import type { Reload } from '../site/reload.ts';
import { EarlySignals } from './early-signals.ts';
import { exit } from './exit.ts';
import { openControl, reloadAndPrint, toLine } from './reload.ts';
import { spellCounts } from './routes-listed.ts';

/** Both open the logs again. */
const REOPEN_SIGNALS = ['SIGUSR1', 'SIGUSR2'] as const;

/** A server that listens. */
export interface Serving {
  readonly edge: Edge;
  readonly port: number;
}

export interface StartOptions extends Omit<EdgeOptions, 'beforeSite' | 'notify' | 'listenFd'> {
  /** This process is a worker: the supervisor has the port, prints, and decides what it owns. */
  readonly supervisor?: SupervisorLink;
  /** Those since the start of the process. Default: since this call. */
  readonly signals?: EarlySignals;
  /** Called once, instead of the usual lines about the start. */
  readonly onServing?: (serving: Serving) => void;
  /** Describes the result of a reload; default: with all problems. */
  readonly describe?: (reload: Reload) => readonly string[];
  /** Whether the clock runs schedules. Default: true. */
  readonly hasClock?: boolean;
  /** The line about a drain is printed only if it takes longer than this. Default: at once. */
  readonly calmDrainMs?: number;
}

/**
 * Serves the site until a signal ends it. Resolves with the exit code: 0 after a drain, 128 + the
 * number of a second signal that aborted the drain. Rejects with the reason if it cannot start.
 */
export async function start(
  config: Config,
  out: (line: string) => void,
  {
    supervisor,
    signals = new EarlySignals(),
    onServing,
    describe,
    hasClock = true,
    calmDrainMs = 0,
    ...options
  }: StartOptions = {},
): Promise<number> {
  const ended = Promise.withResolvers<number>();
  let running: Edge | undefined;
  let control: ControlSocket | undefined;
  let listener: MetricsListener | undefined;
  let watchdog: Watchdog | undefined;
  const record = supervisor ? undefined : openRouteRecord(config.DATA_DIR);
  const stopped = new StoppedRoutes();
  const beforeSite = (log: ProcessLog): void => {
    capturePrinted({
      site: config.site,
      isPassedOn: config.DEV && !options.development,
      // Without files, the stream would get each text twice.
      receive: config.DEV && config.LOG_DIR === '' && !options.development ? () => {} : (printed) => log.print(printed),
    });
    guardProcess({ log, site: config.site });
    // Before the site is loaded: with its own listener, a signal during the load would otherwise
    // not end the process.
    watchdog = startWatchdog({
      ...toWatchdogOptions(config),
      parentPid: supervisor && process.ppid,
      reportTo: record ? { file: record.file } : { fd: supervisor?.setup.reportFd ?? 2 },
      end: (code) => {
        try {
          running?.sendHeld();
        } finally {
          exit(code);
        }
      },
    });
    endBySignals(ended, () => running, { out: supervisor ? undefined : out, watchdog, calmDrainMs });
  };
  const loads = supervisor?.setup.loads ?? record?.loads;
  if (loads) SITE_LOADS.use(loads);
  const stopReports = supervisor?.reportCalls();
  const serve = async (): Promise<number> => {
    const notify = supervisor ? (line: string) => supervisor.send({ kind: 'notice', line }) : out;
    const shared = supervisor && {
      listenFd: supervisor.setup.listenFd,
      collectOthers: supervisor.collectOthers.bind(supervisor),
      peers: supervisor,
    };
    const place = supervisor && { place: supervisor.setup.isFirst ? ('first' as const) : ('next' as const) };
    const edge = await createEdge(config, {
      ...{ ...options, ...shared, ...place, beforeSite, stopped },
      // Else the log prints, and a line would stand twice on the terminal.
      ...(!onServing && config.LOG_DIR !== '' && !config.LOG_STDOUT && { notify }),
    });
    const warn = edge.log.warn.bind(edge.log);
    const reloading = { config, out, reload: () => edge.reload(), warn, ...(describe && { describe }) };
    // Before the first request, which may hold the event loop for ever.
    await watchdog?.ready;
    const port = await edge.listen({ isOwner: !supervisor && hasClock });
    if (!supervisor) {
      control = await openControl(reloading);
      listener = await openOwnMetrics(config, edge);
    }
    running = edge;
    if (record) useRecord(record, stopped, edge);
    for (const signal of REOPEN_SIGNALS) process.on(signal, () => reopenLogs(edge));
    process.on('SIGUSR1', () => edge.renewCertificate());
    process.on('SIGHUP', () => {
      reopenLogs(edge);
      void reloadAndPrint(reloading);
    });
    signals.release();
    shrinkHeapWhenIdle();
    stopReports?.();
    if (supervisor) serveFor(supervisor, { edge, stopped, ended });
    // Last: readers of these lines may send signals and commands at once.
    if (onServing) onServing({ edge, port });
    else if (supervisor?.setup.isFirst ?? true) announce(config, edge, port, options.fallback?.name, notify);
    else edge.log.info('another worker listens', { port });
    return ended.promise;
  };
  try {
    return await Promise.race([serve(), ended.promise]);
  } finally {
    record?.close();
    listener?.close();
    await control?.close();
  }
}

/** Without a supervisor, only the earlier processes can have stopped a route. */
function useRecord({ stopped: routes }: RouteRecord, stopped: StoppedRoutes, { log }: Edge): void {
  stopped.use(routes);
  for (const { key } of routes) log.error(STOPPED, describeRoute(key));
}

interface SignalParts {
  readonly out: ((line: string) => void) | undefined;
  readonly watchdog: Watchdog | undefined;
  readonly calmDrainMs: number;
}

interface WorkerParts {
  readonly edge: Edge;
  readonly stopped: StoppedRoutes;
  readonly ended: PromiseWithResolvers<number>;
}

function serveFor(supervisor: SupervisorLink, { edge, stopped, ended }: WorkerParts): void {
  const { resolve, reject } = ended;
  const { memoryLimitBytes } = supervisor.setup;
  if (memoryLimitBytes > 0) watchHeap(memoryLimitBytes, (usedBytes) => supervisor.send({ kind: 'full', usedBytes }));
  supervisor.send({ kind: 'listening' });
  supervisor.serve({
    own: () => edge.own(() => supervisor.send({ kind: 'reload' })),
    // What `Edge.reload` of another worker resolved with.
    reload: (logged) => edge.reload(logged as Reload | undefined),
    signal: (signal) => void process.emit(signal, signal),
    stop: (routes) => stopped.use(routes),
    collect: async (withStore) => (await edge.metrics?.collect({ withStore })) ?? [],
    retire: () =>
      void edge
        .close({ isReplaced: true })
        .then(() => sendLastCounts(supervisor, edge))
        .then(() => resolve(0), reject),
  });
}

/** With workers, their supervisor has the port. */
async function openOwnMetrics(
  { METRICS_PORT, METRICS_HOST }: Config,
  { metrics }: Edge,
): Promise<MetricsListener | undefined> {
  if (METRICS_PORT === 0 || !metrics) return undefined;
  const { openMetricsListener } = await import('../metrics/metrics-listener.ts');
  const collect = async () => ({ families: await metrics.collect({ withStore: true }), missing: 0 });
  return openMetricsListener({ host: METRICS_HOST, port: METRICS_PORT, collect });
}

/** The counters of a worker do not end with it. */
async function sendLastCounts(supervisor: SupervisorLink, { metrics }: Edge): Promise<void> {
  if (metrics) await supervisor.sendWhole({ kind: 'counted', families: await metrics.collect({ withStore: false }) });
}

function toWatchdogOptions({ STALL_TIMEOUT, DRAIN_DELAY, DRAIN_TIMEOUT, LOG_DIR, LOG_STDOUT, site }: Config) {
  return {
    stallTimeoutMs: STALL_TIMEOUT,
    drainMs: DRAIN_DELAY + DRAIN_TIMEOUT,
    errorLog: LOG_DIR && join(LOG_DIR, 'error.log'),
    isCopied: LOG_STDOUT,
    site,
  };
}

/** Before the server listens, the first signal ends the process. */
function endBySignals(
  { resolve, reject }: PromiseWithResolvers<number>,
  getRunning: () => Edge | undefined,
  { out, watchdog, calmDrainMs }: SignalParts,
): void {
  onStopSignal(({ name, code, kind }) => {
    watchdog?.stopBy(constants.signals[name]);
    const edge = getRunning();
    if (!edge || kind === 'second') resolve(code);
    else if (kind === 'first') {
      if (calmDrainMs === 0) out?.(describeDrain(name));
      else setTimeout(() => out?.(describeDrain(name)), calmDrainMs).unref();
      edge.close().then(() => resolve(0), reject);
    }
  });
}

function reopenLogs({ log }: Edge): void {
  try {
    log.reopen();
  } catch (error) {
    // The old files stay in use; the next signal tries again.
    log.error('the logs could not be opened again; the old files stay in use, and the next signal tries again', {
      error,
    });
  }
}

function announce(
  config: Config,
  edge: Edge,
  port: number,
  fallback: string | undefined,
  out: (line: string) => void,
): void {
  const { routes, problems } = edge.site;
  const counts = countRoutes(routes);
  const hop = fallback ?? spellNextHop(edge.site, config);
  const lines = [
    `nexthop listens on ${address(config, port)}`,
    `  site      ${config.site}, ${spellCounts(counts)}${routes.length === 0 ? NOTHING_FOUND : ''}`,
    `  ${fallback === undefined ? 'next hop' : 'fallback'}  ${hop}`,
    `  logs      ${config.LOG_DIR || 'stdout and stderr'}`,
  ];
  if (edge.storeFailure instanceof Error) {
    lines.push(`  error     ${edge.storeFailure.message}; until then, what needs the store gets 503`);
  }
  // In one piece: a program that waits for the first line then has the problems of the site, too.
  out([...lines, ...problems.map(toLine)].join('\n'));
  logProblems(edge.log, problems);
  edge.log.info('listening', { port, site: config.site, ...counts, next_hop: hop });
}

/** Of a wrong folder, or of a site that needs a build first. */
const NOTHING_FOUND = ': every request goes to the next hop; "nexthop routes" lists what is looked for';

/** For the lines about a start. */
export function spellNextHop({ answersAll }: Edge['site'], { NEXT_HOP }: Config): string {
  return answersAll ? 'none: the site answers every request' : spellOrigin(NEXT_HOP);
}

function address({ HOST: host, certificate }: Config, port: number): string {
  const scheme = certificate ? 'https' : 'http';
  if (host === '') return `${scheme}://localhost:${port} and every other address`;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
