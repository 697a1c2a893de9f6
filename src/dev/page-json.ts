import { toFrameRows } from './code-frame.ts';
import type { ErrorReport } from './error-report.ts';
import { canBeSentAgain } from './replay.ts';
import type { RequestRecord } from './request-record.ts';
import { isFromCache, spellWay, whatAnswered } from './terminal.ts';

/** What the live page shows about the site. */
export interface SiteFacts {
  /** Absolute path. */
  readonly root: string;
  readonly nextHop: string;
  /** In the order in which they are tried. */
  readonly routes: readonly {
    readonly methods: readonly string[] | 'any';
    readonly pattern: string;
    readonly file: string;
    readonly dialect: string;
    readonly step: number;
    readonly about?: string;
    /** The number of files in a folder. */
    readonly files?: number;
  }[];
  readonly jobs: readonly { readonly name: string; readonly file: string; readonly schedule?: string }[];
  readonly problems: readonly { readonly severity: 'error' | 'warning'; readonly report: ErrorReport }[];
  readonly settings: readonly SettingFact[];
  /** Variables of the site's `.env`; their values may be secrets. */
  readonly variables: readonly { readonly name: string; readonly place: string }[];
}

/** A cached response. */
export interface CacheFact {
  readonly url: string;
  readonly target: string;
  readonly status: number;
  readonly freshness: string;
  readonly ageMs: number;
  /** Milliseconds until it is stale; negative: since then. */
  readonly leftMs: number;
  readonly bytes: number;
  readonly tags: readonly string[];
}

export interface SettingFact {
  readonly name: string;
  readonly value: string;
  readonly from: string;
  readonly about: string;
}

/** Characters of a body that the page shows. */
const SHOWN_BODY = 4000;

/** A request for the live page. */
export function toRequestJson(record: RequestRecord): object {
  const {
    number,
    id,
    atMs,
    method,
    target,
    status,
    headMs,
    tookMs,
    route,
    cache,
    fault,
    responseBytes,
    printed,
    body,
  } = record;
  return {
    ...{ number, id, atMs, method, target, status, headMs, tookMs, route, cache, fault, responseBytes, printed },
    answeredBy: whatAnswered({ ...record, route: '' }),
    filters: record.filters,
    rewrittenTo: record.rewrittenTo,
    way: spellWay(record),
    isFromCache: isFromCache(record),
    headers: toPairs(record.headers),
    responseHeaders: toPairs(record.responseHeaders),
    body: body?.toString().slice(0, SHOWN_BODY) ?? '',
    canBeSentAgain: canBeSentAgain(record),
    ...(record.error && { error: toReportJson(record.error) }),
  };
}

/** What it shows about the site. */
export function toSiteJson(facts: SiteFacts | undefined): object | undefined {
  return (
    facts && { ...facts, problems: facts.problems.map((each) => ({ ...each, report: toReportJson(each.report) })) }
  );
}

/** With the code as rows of text. */
function toReportJson({ frame, cause, ...report }: ErrorReport): object {
  return { ...report, frame: frame ? toFrameRows(frame) : [], ...(cause && { cause: toReportJson(cause) }) };
}

function toPairs(flat: readonly string[]): readonly (readonly string[])[] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []));
}
