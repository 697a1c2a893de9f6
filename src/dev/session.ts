import type { Development } from '../contract/development.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { Fault, FaultPage } from '../contract/fault.ts';
import type { ProcessLog } from '../contract/log.ts';
import type { Problem } from '../contract/problem.ts';
import type { Answer } from '../contract/target.ts';
import { DevLog, toProblemKey } from './dev-log.ts';
import { DevPage } from './dev-page.ts';
import { toErrorReport } from './error-report.ts';
import { toDevFaultPage } from './fault-page.ts';
import { JobHistory } from './job-history.ts';
import { RequestHistory } from './request-history.ts';
import type { RequestRecord } from './request-record.ts';
import type { Terminal } from './terminal.ts';

/** Largest request body that is kept, so that the request can be sent again. */
const KEPT_BODY_BYTES = 64 * 1024;

export interface DevSessionParts {
  /** Absolute path of the site, without symbolic links. */
  readonly site: string;
  readonly terminal: Terminal;
  /** URL of the next hop, for the page about one that does not answer. */
  readonly nextHop: string;
  /** Called after each reading of the site with files outside of it. */
  readonly onOutside: (files: readonly string[]) => void;
}

/** One run of `nexthop dev`: what it remembers, prints and shows. */
export class DevSession implements Development {
  readonly history = new RequestHistory();
  readonly jobs = new JobHistory();
  readonly page = new DevPage(this.history, this.jobs);
  readonly #parts: DevSessionParts;
  #log: DevLog | undefined;
  /** Of the last reading of the site. */
  #problems: readonly Problem[] = [];
  /** Faults that are printed with their request. */
  readonly #shown = new WeakSet<object>();

  constructor(parts: DevSessionParts) {
    this.#parts = parts;
  }

  toLog(files: ProcessLog | undefined): ProcessLog {
    const { site, terminal } = this.#parts;
    const isShown = (error: object): boolean => this.#shown.has(error);
    this.#log = new DevLog({ site, terminal, history: this.history, jobs: this.jobs, files, isShown });
    return this.#log;
  }

  /** Call it after each reading, once its problems are logged. Returns the errors that the reading before had, too. */
  useProblems(problems: readonly Problem[]): readonly Problem[] {
    const before = new Set(this.#problems.map(toProblemKey));
    const current = new Set(problems.map(toProblemKey));
    this.#log?.forget([...before].filter((key) => !current.has(key)));
    this.#problems = problems;
    return problems.filter((problem) => problem.severity === 'error' && before.has(toProblemKey(problem)));
  }

  receive(exchange: Exchange): Answer {
    if (this.page.answer(exchange)) return 'answered';
    const record = this.history.begin(exchange);
    record.watch(exchange);
    const { body } = exchange.request;
    if (body.announcedBytes === 0) record.body = Buffer.alloc(0);
    if (body.announcedBytes <= 0 || body.announcedBytes > KEPT_BODY_BYTES) return 'passed';
    return this.#keepBody(exchange, record);
  }

  toFaultPage(exchange: Exchange, fault: Fault): FaultPage | undefined {
    const { site, nextHop } = this.#parts;
    if (fault.origin !== 'function' && fault.origin !== 'hop') return undefined;
    this.#shown.add(fault);
    // That of a request which a filter makes of this one has the same id.
    const record = this.history.of(exchange) ?? this.history.withId(exchange.requestId.value);
    const report = fault.origin === 'function' ? toErrorReport(fault, site) : undefined;
    if (record && report) record.error = report;
    const { method } = exchange.request;
    return toDevFaultPage({
      fault,
      report,
      nextHop,
      missing: report ? [] : (this.page.server?.explainMissing({ method, target: exchange.askedTarget }) ?? []),
      accept: exchange.request.get('accept') ?? '',
      method,
      requestId: exchange.requestId.value,
      file: exchange.answeredBy,
    });
  }

  useOutside(files: readonly string[]): void {
    this.#parts.onOutside(files);
  }

  async #keepBody({ request }: Exchange, record: RequestRecord): Promise<'passed'> {
    // Its failure is thrown again where the body is used.
    record.body = await request.body.peek(() => false).catch(() => undefined);
    return 'passed';
  }
}
