import type { JobsNow } from '../contract/metrics.ts';
import type { MetricSources } from './edge-metrics.ts';

type State = 'ok' | 'degraded' | 'down';

/** One part of an Edge. */
interface Part {
  readonly state: State;
  readonly [detail: string]: unknown;
}

/** A store that needs longer counts as down. */
const PATIENCE_MS = 300;

/** The states of the parts of an Edge, for people. */
export class Health {
  readonly #sources: MetricSources;
  /** The state of each part when it was last read, and since when it has it. */
  readonly #known = new Map<string, { readonly state: State; readonly since: string }>();
  #lostLines = 0;
  #hopFault: { readonly code: string; readonly at: string; readonly answers: number } | undefined;
  #reload: { readonly state: State; readonly at: string } | undefined;

  constructor(sources: MetricSources) {
    this.#sources = sources;
  }

  hopFailed(code: string): void {
    this.#hopFault = { code, at: new Date().toISOString(), answers: this.#sources.hop.connections.answers };
  }

  reloaded(isExchanged: boolean): void {
    this.#reload = { state: isExchanged ? 'ok' : 'degraded', at: new Date().toISOString() };
  }

  /** Resolves with each part, its state, and since when it has that state, as far as it was read or reported. Never rejects. */
  async read(): Promise<Readonly<Record<string, Part>>> {
    const { server, hop, webSockets, log } = this.#sources;
    const lost = log.lostCount - this.#lostLines;
    this.#lostLines = log.lostCount;
    const { connections } = hop;
    const fault = this.#hopFault;
    const isHopWell = fault === undefined || connections.answers > fault.answers;
    const parts: Record<string, Part> = {
      listener: { state: 'ok', ...server.connections, tunnels: hop.tunnels.size + webSockets.size },
      site: { state: this.#reload?.state ?? 'ok', ...(this.#reload && { last_reload: this.#reload.at }) },
      hop: {
        state: isHopWell ? 'ok' : 'degraded',
        ...{ idle: connections.idle, busy: connections.busy, waiting: connections.waiting },
        ...(fault && { last_fault: fault.code, last_fault_at: fault.at }),
      },
      logs: { state: log.isFailing ? 'down' : lost > 0 ? 'degraded' : 'ok', lost_lines: log.lostCount },
      ...(await this.#readStore()),
    };
    return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, this.#withSince(name, part)]));
  }

  /** Nothing for a site without jobs: then no store may be in use. */
  async #readStore(): Promise<Record<string, Part>> {
    const late = new Promise<'late'>((resolve) => setTimeout(resolve, PATIENCE_MS, 'late').unref());
    const jobs = await Promise.race([this.#sources.site.jobsNow(), late]).catch(() => 'late' as const);
    if (jobs === undefined) return {};
    if (jobs === 'late') return { store: { state: 'down' } };
    return { store: { state: 'ok' }, jobs: toJobs(jobs) };
  }

  #withSince(name: string, { state, ...details }: Part): Part {
    const before = this.#known.get(name);
    const known = before?.state === state ? before : { state, since: new Date().toISOString() };
    this.#known.set(name, known);
    return { ...known, ...details };
  }
}

function toJobs({ counts, oldestDueAtMs }: JobsNow): Part {
  const ageSeconds = oldestDueAtMs === undefined ? 0 : Math.round((Date.now() - oldestDueAtMs) / 1000);
  return { state: counts.dead > 0 ? 'degraded' : 'ok', ...counts, oldest_due_s: ageSeconds };
}
