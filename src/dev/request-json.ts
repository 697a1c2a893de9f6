import { toFrameRows } from './code-frame.ts';
import type { ErrorReport } from './error-report.ts';
import { canBeSentAgain } from './replay.ts';
import type { RequestRecord } from './request-record.ts';
import { whatAnswered } from './terminal.ts';

/** Characters of a body that the page shows. */
const SHOWN_BODY = 4000;

/** A request for the live page. */
export function toRequestJson(record: RequestRecord): object {
  const { number, id, atMs, method, target, status, headMs, tookMs, route, fault, responseBytes, printed, body } =
    record;
  return {
    ...{ number, id, atMs, method, target, status, headMs, tookMs, route, fault, responseBytes, printed },
    answeredBy: whatAnswered({ ...record, route: '' }),
    headers: toPairs(record.headers),
    responseHeaders: toPairs(record.responseHeaders),
    body: body?.toString().slice(0, SHOWN_BODY) ?? '',
    canBeSentAgain: canBeSentAgain(record),
    ...(record.error && { error: toReportJson(record.error) }),
  };
}

/** With the code as rows of text. */
export function toReportJson({ frame, cause, ...report }: ErrorReport): object {
  return { ...report, frame: frame ? toFrameRows(frame) : [], ...(cause && { cause: toReportJson(cause) }) };
}

function toPairs(flat: readonly string[]): readonly (readonly string[])[] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []));
}
