import { STATUS_CODES } from 'node:http';
import { messageOf } from '../contract/error-message.ts';
import type { Exchange } from '../contract/exchange.ts';
import { OWN_PAGE } from '../contract/own-page.ts';
import type { JobHistory } from './job-history.ts';
import { PAGE_HTML, PAGE_SCRIPT } from './live-page.ts';
import { refuseAccess, refuseChange } from './page-access.ts';
import { type CacheFact, type SiteFacts, toRequestJson, toSiteJson } from './page-json.ts';
import { DEV_PATH } from './page-path.ts';
import { PAGE_STYLE } from './page-style.ts';
import { type OwnServer, sendAgain } from './replay.ts';
import type { RequestHistory } from './request-history.ts';

/** Name of the target that answers them, in the logs. */
export const DEV_PAGE = 'nexthop dev';

/** The running server, as far as the page needs it. */
export interface DevServer extends OwnServer {
  describeSite(): Promise<SiteFacts>;
  /** Cached responses, the URLs that were stored last first; at most `most`. */
  listCached(most: number): readonly CacheFact[];
  /** Why no route of the site answered this request, in sentences. `target`: in origin-form. */
  explainMissing(request: { readonly method: string; readonly target: string }): readonly string[];
  /** Runs a scheduled function now. Resolves with the id of its job. Rejects if that is not possible. */
  runNow(rule: string): Promise<string>;
}

/** Cached responses that are shown. */
const MOST_CACHED = 200;
/** Largest request to the page itself. */
const MOST_BYTES = 10_000;

const NOT_LISTENING = 'the server does not listen yet';

/** Answers the requests below DEV_PATH: the live page, and what it asks for. */
export class DevPage {
  /** Counts the readings of the site. */
  generation = 1;
  /** Undefined before it listens. */
  server: DevServer | undefined;
  readonly #history: RequestHistory;
  readonly #jobs: JobHistory;

  constructor(history: RequestHistory, jobs: JobHistory) {
    this.#history = history;
    this.#jobs = jobs;
  }

  /** False for requests that are none of its own. */
  answer(exchange: Exchange): boolean {
    const { pathname, searchParams } = new URL(exchange.askedTarget, 'http://localhost');
    if (pathname !== DEV_PATH && !pathname.startsWith(`${DEV_PATH}/`)) return false;
    exchange.answeredBy = DEV_PAGE;
    exchange.step = OWN_PAGE;
    const action = pathname.slice(DEV_PATH.length + 1);
    const refusal = refuseAccess(exchange) ?? (action in this.#actions ? refuseChange(exchange) : undefined);
    if (refusal !== undefined) send(exchange, { status: 403, text: `${DEV_PATH} ${refusal}\n` });
    else if (action in this.#actions) void this.#act(exchange, action);
    else void this.#show(exchange, action, searchParams);
    return true;
  }

  async #show(exchange: Exchange, name: string, query: URLSearchParams): Promise<void> {
    switch (name) {
      case '':
        return send(exchange, { type: 'text/html; charset=utf-8', text: PAGE_HTML });
      case 'page.js':
        return send(exchange, { type: 'text/javascript; charset=utf-8', text: PAGE_SCRIPT });
      case 'page.css':
        return send(exchange, { type: 'text/css; charset=utf-8', text: PAGE_STYLE });
      case 'generation':
        return send(exchange, { text: String(this.generation) });
      case 'requests':
        return sendJson(exchange, this.#changedRequests(Number(query.get('after') ?? 0)));
      case 'site':
        return this.#answerLater(exchange, async () => toSiteJson(await this.server?.describeSite()));
      case 'cache':
        return sendJson(exchange, this.server?.listCached(MOST_CACHED) ?? []);
      default:
        return send(exchange, { status: 404, text: 'there is no such page\n' });
    }
  }

  /** The requests that changed since a version, the version now, and the last run of each job rule. */
  #changedRequests(after: number): object {
    const { version, all } = this.#history;
    const changed = all.filter((record) => record.version > after).map(toRequestJson);
    const { generation } = this;
    return { version, generation, oldest: all[0]?.number ?? 0, requests: changed, jobs: this.#jobs.all };
  }

  /** What changes something; each gets the JSON of the request. */
  readonly #actions: Readonly<Record<string, (given: Readonly<Record<string, unknown>>) => Promise<unknown>>> = {
    replay: async ({ number }) => {
      const record = this.#history.find(Number(number));
      if (!record) throw new Error('this request is not kept any more');
      if (!this.server) throw new Error(NOT_LISTENING);
      return { status: await sendAgain(record, this.server) };
    },
    run: async ({ rule }) => {
      if (!this.server) throw new Error(NOT_LISTENING);
      this.#jobs.begin(String(rule), await this.server.runNow(String(rule)));
      return {};
    },
    clear: async () => {
      this.#history.clear();
      return {};
    },
  };

  async #act(exchange: Exchange, action: string): Promise<void> {
    await this.#answerLater(exchange, async () => {
      const { body } = exchange.request;
      body.limit(MOST_BYTES);
      const text = body.announcedBytes > 0 ? (await body.peek(() => false)).toString() : '{}';
      return this.#actions[action]?.(JSON.parse(text));
    });
  }

  async #answerLater(exchange: Exchange, work: () => Promise<unknown>): Promise<void> {
    try {
      sendJson(exchange, (await work()) ?? {});
    } catch (error) {
      sendJson(exchange, { error: messageOf(error) }, 400);
    }
  }
}

function sendJson(exchange: Exchange, value: unknown, status = 200): void {
  send(exchange, { status, type: 'application/json', text: JSON.stringify(value) });
}

interface Sent {
  readonly status?: number;
  readonly type?: string;
  readonly text: string;
}

/** Nothing from elsewhere is loaded, and no other page may show or read it. */
const HEADERS = [
  ...['Cache-Control', 'no-store'],
  ...[
    'Content-Security-Policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'",
  ],
  ...['Cross-Origin-Resource-Policy', 'same-origin'],
  ...['X-Content-Type-Options', 'nosniff'],
];

function send(exchange: Exchange, { status = 200, type = 'text/plain; charset=utf-8', text }: Sent): void {
  exchange.contentType = type;
  const length = String(Buffer.byteLength(text));
  exchange.writeHead(status, STATUS_CODES[status] ?? '', ['Content-Type', type, 'Content-Length', length, ...HEADERS]);
  exchange.response.end(text);
}
