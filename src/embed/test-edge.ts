/// <reference types="node" preserve="true" />
import '../config/require-node.ts';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { SettingName } from '../config/settings.ts';
import type { HostLog } from '../contract/log.ts';
import type { Problem } from '../contract/problem.ts';
import { COMMAND_CALL_TIMEOUT_MS } from '../contract/store.ts';
import type { Fallback } from '../contract/target.ts';
import { UserError } from '../contract/user-error.ts';
import { toWebRequest } from '../http/web-request.ts';
import { writeWebResponse } from '../http/web-response.ts';
import { withErrorOnTop } from '../log/error-on-top.ts';
import type { Site } from '../site/site.ts';
import { readHostConfig } from './config.ts';
import { EmbeddedEdge } from './embedded.ts';
import { MemoryServer } from './memory-server.ts';

export interface TestEdgeOptions {
  /** Folder of the site; default: the current one. */
  readonly site?: string;
  /**
   * Answers the requests that no route of the site answers: a function, or the URL of a server. Default: 404 with a text that says so.
   */
  readonly hop?: Hop | string | URL;
  /** Settings by name, as text: `{ FUNCTION_TIMEOUT: '1s' }`. */
  readonly settings?: Readonly<Partial<Record<SettingName, string>>>;
  /** What functions see as their environment. Default: that of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export type Hop = (request: Request) => Response | Promise<Response>;

/** What the site or nexthop logged. */
export interface LoggedLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  /** Such as `error`, `target`, `route` and `request_id`. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A job that `jobs.run` ran. */
export interface FinishedJob {
  /** E.g. `netlify/mail-background`. */
  readonly name: string;
  /** The file of the function, relative to the site. */
  readonly file: string;
  /** 'failed': it would be tried again later. 'dead': it failed for the last time. */
  readonly state: 'done' | 'failed' | 'dead';
  /** Why it failed; undefined if it is done. */
  readonly reason?: string;
}

export interface TestEdge {
  /**
   * Sends a request to the site: a path (`/api/hello?x=1`), a URL or a Request. Redirects are followed only with
   * `redirect: 'follow'`, and the body is as it was sent. Rejects if the connection is cut, as by a function that fails after
   * the head of its response, and after `close`.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** What was logged so far, e.g. the error of a function that answered 500. Errors are printed by `console.error`, too. */
  readonly logs: readonly LoggedLine[];
  /** Mistakes in the site, as `nexthop check` prints them. */
  readonly problems: readonly Problem[];
  readonly jobs: {
    /**
     * Runs the background jobs that wait, one after the other, and resolves with how they ended. With the name of a scheduled
     * function: runs it now. Jobs run only in this call.
     */
    run(name?: string): Promise<readonly FinishedJob[]>;
  };
  /** Opens a free port on 127.0.0.1, for browsers and WebSockets. Resolves with the URL. */
  listen(): Promise<string>;
  /** Ends the site and removes what it stored. May be called again. */
  close(): Promise<void>;
}

/**
 * Opens a site for tests, in this process and without a port. Jobs, values and blobs are kept in a temporary folder. Rejects
 * with an error whose message says what to do, e.g. a SiteError if the folder cannot be read.
 */
export async function openTestEdge({ site, hop, settings = {}, env }: TestEdgeOptions = {}): Promise<TestEdge> {
  const dataDir = await mkdtemp(join(tmpdir(), 'nexthop-test-'));
  // A test that forgets `close` leaves nothing either.
  const removeAtExit = (): void => rmSync(dataDir, { recursive: true, force: true });
  process.on('exit', removeAtExit);
  const removeData = (): Promise<void> => {
    process.off('exit', removeAtExit);
    return rm(dataDir, { recursive: true, force: true });
  };
  const logs: LoggedLine[] = [];
  try {
    const config = readHostConfig({
      // Jobs run when the test says so; nothing is stored in the site.
      flags: { DATA_DIR: dataDir, JOB_CONCURRENCY: '0', LOG_DIR: '', ...settings },
      ...(site !== undefined && { site }),
      ...(env && { env }),
    });
    const edge = await openMemoryEdge(config, { log: toLog(logs, config.site), hop });
    let closed: Promise<void> | undefined;
    const whileOpen = async <T>(work: () => Promise<T>): Promise<T> => {
      if (closed) throw new UserError('this test edge is closed: call close() after the last test');
      return work();
    };
    return {
      fetch: (input, init) => whileOpen(() => edge.fetch(input, init)),
      jobs: { run: (name) => whileOpen(() => edge.jobs.run(name)) },
      listen: () => whileOpen(() => edge.listen()),
      logs,
      get problems() {
        return edge.site.problems;
      },
      close() {
        closed ??= edge.close().then(removeData);
        return closed;
      },
    };
  } catch (error) {
    await removeData();
    throw error;
  }
}

/** A site in this process that is asked without a port, for tests and commands. */
export interface MemoryEdge extends Pick<TestEdge, 'fetch' | 'jobs' | 'listen' | 'close'> {
  readonly site: Site;
}

export interface MemoryEdgeParts {
  readonly log: HostLog;
  readonly hop?: TestEdgeOptions['hop'] | undefined;
}

/** Opens the site with exactly these settings. `log`: gets what is logged. Rejects as `openTestEdge`. */
export async function openMemoryEdge(config: Config, { log, hop }: MemoryEdgeParts): Promise<MemoryEdge> {
  const edge = await EmbeddedEdge.open({
    config,
    log,
    isTrusted: config.TRUSTED_PROXIES,
    last: toFallback(hop),
    callTimeoutMs: COMMAND_CALL_TIMEOUT_MS,
  });
  const server = new MemoryServer((request, response) => void edge.serve(request, response));
  server.onUpgrade((request, socket, head) => void edge.upgrade(request, socket, head));
  return {
    site: edge.site,
    fetch: (input, init) => server.fetch(input, init),
    jobs: { run: (name) => edge.runJobs(name) },
    listen: () => server.listen(),
    close: () => server.close().then(() => edge.close()),
  };
}

function toLog(logs: LoggedLine[], site: string): HostLog {
  const add =
    (level: LoggedLine['level']) =>
    (message: string, details: LoggedLine['details'] = {}) => {
      logs.push({ level, message, details });
      if (level === 'error') printError(message, details, site);
    };
  return { info: add('info'), warn: add('warn'), error: add('error') };
}

/** The global console, so that the test runner shows the text with the test, and tests can replace it. */
function printError(message: string, details: LoggedLine['details'], site: string): void {
  const { request, target, file, line, column, status } = details;
  const subject = [request ?? target, status].filter((each) => each !== undefined).join(' ');
  const place = file === undefined ? '' : ` (${[file, line, column].filter((each) => each !== undefined).join(':')})`;
  const { stack } = withErrorOnTop(message, details, site);
  const calls = stack?.split('\n').filter((each) => /^\s+at /.test(each)) ?? [];
  // biome-ignore lint/suspicious/noConsole: it is the output of a test
  console.error([`nexthop: ${subject && `${subject}: `}${message}${place}`, ...calls].join('\n'));
}

function toFallback(hop: TestEdgeOptions['hop']): Fallback {
  const answer = typeof hop === 'function' ? hop : hop === undefined ? missing : toServer(new URL(hop));
  return {
    name: 'hop',
    async answer(exchange) {
      return writeWebResponse(exchange, await answer(toWebRequest(exchange)));
    },
  };
}

function missing({ method, url }: Request): Response {
  const text = `no route of the site answers ${method} ${new URL(url).pathname}, and openTestEdge has no hop\n`;
  return new Response(text, { status: 404 });
}

/** Sends the request to a server, with the headers of the client but Host. */
function toServer(origin: URL): Hop {
  return (request) => {
    const { pathname, search } = new URL(request.url);
    const target = new Request(new URL(pathname + search, origin), request);
    target.headers.delete('host');
    return fetch(target, { redirect: 'manual' });
  };
}
