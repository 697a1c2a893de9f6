import { STATUS_CODES } from 'node:http';
import type { Fault, FaultPage } from '../contract/fault.ts';
import { escapeHtml } from '../http/escape-html.ts';
import { negotiate } from '../http/negotiate.ts';
import { type CodeFrame, toFrameRows } from './code-frame.ts';
import type { ErrorReport } from './error-report.ts';
import { DEV_PATH } from './page-path.ts';
import { PAGE_STYLE } from './page-style.ts';

export interface DevFault {
  readonly fault: Fault;
  /** Of a fault of a function. Undefined: the next hop failed. */
  readonly report: ErrorReport | undefined;
  /** URL of the next hop. */
  readonly nextHop: string;
  /** If the next hop failed: why no route of the site answered, in sentences. */
  readonly missing: readonly string[];
  /** The client's Accept header, '' if absent. */
  readonly accept: string;
  readonly method: string;
  readonly requestId: string;
  /** The file of the function. */
  readonly file: string;
}

/** In order of preference, as on the page for a server in use (src/http/fault-page.ts). */
const FUNCTION_FORMATS = ['application/json', 'text/plain', 'text/html'] as const;
const HOP_FORMATS = ['text/plain', 'text/html', 'application/json'] as const;

/** The response for a fault in development: what failed, where in the code, and what to do. */
export function toDevFaultPage(dev: DevFault): FaultPage {
  const { fault, report, accept, requestId } = dev;
  const about = report ? undefined : explainHop(dev);
  switch (negotiate(accept, report ? FUNCTION_FORMATS : HOP_FORMATS)) {
    case 'application/json': {
      const { status, code, message } = fault;
      const details = report
        ? { ...toJson(report), ...(report.place === '' && { file: dev.file }) }
        : { message, about };
      return {
        contentType: 'application/json',
        // Each line of the code on a line of its own: curl, which accepts all, shows it so.
        body: `${JSON.stringify({ status, code, requestId: requestId || undefined, ...details }, undefined, 2)}\n`,
      };
    }
    case 'text/html':
      return { contentType: 'text/html; charset=utf-8', body: toHtml(dev, about) };
    default:
      return { contentType: 'text/plain; charset=utf-8', body: `${toText(dev, about).join('\n')}\n` };
  }
}

/** A fallback is new to authors who know platforms: there, a path without an answer is a 404. */
function explainHop({ fault, nextHop, missing }: DevFault): readonly string[] {
  return [
    `No function and no file of the site answers this request, so nexthop forwarded it to the next hop, ${nextHop}.`,
    ...missing,
    `The next hop did not answer: ${fault.message}.`,
    'In production the next hop is your application, a CMS, or the next proxy. It gets every request that the site does not answer.',
    'To develop with it, start it and name it: nexthop dev --next-hop http://localhost:3000',
    `If the site should answer this path, look at its routes: press r on the terminal, or open ${DEV_PATH}#routes`,
  ];
}

function toJson({ title, place, frame, calls, cause }: ErrorReport): Readonly<Record<string, unknown>> {
  return {
    message: title,
    ...(place !== '' && { place }),
    ...(frame && { frame: toFrameRows(frame).map(({ text }) => text) }),
    ...(calls.length > 0 && { stack: calls }),
    ...(cause && { cause: toJson(cause) }),
  };
}

function toText({ fault, report, requestId }: DevFault, about: readonly string[] | undefined): readonly string[] {
  const { status, code } = fault;
  return [
    `${status} ${STATUS_CODES[status] ?? 'Error'}`,
    `code: ${code}`,
    ...(requestId === '' ? [] : [`request id: ${requestId}`]),
    '',
    ...(report ? toReportText(report) : (about ?? [])),
  ];
}

function toReportText({ title, place, frame, calls, cause }: ErrorReport): readonly string[] {
  return [
    title,
    ...(place === '' ? [] : [`at ${place}`]),
    ...(frame ? ['', ...toFrameRows(frame).map(({ text }) => text), ''] : []),
    ...calls.slice(1).map((call) => `at ${call}`),
    ...(cause ? ['caused by', ...toReportText(cause)] : []),
  ];
}

function toHtml({ fault, report, requestId, file, method }: DevFault, about: readonly string[] | undefined): string {
  const { status, code } = fault;
  const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`;
  // To load it again must not send a form again.
  const isRead = method === 'GET';
  const subject = report ? escapeHtml(file) : 'the next hop';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${PAGE_STYLE}</style>
<main class="fault">
<p class="tag">${title} · <code>${code}</code> · ${subject}</p>
${report ? toReportHtml(report) : toAboutHtml(about ?? [])}
<p class="note">Request id <code>${escapeHtml(requestId)}</code> · <a href="${DEV_PATH}">All requests, routes and jobs</a> · This page exists only in nexthop dev.${isRead ? ' It loads again when the site has changed.' : ''}</p>
</main>
${isRead ? `<script>${RELOAD}</script>\n` : ''}</html>
`;
}

/** Loads the page again after the next reading of the site. */
const RELOAD = `
let first;
setInterval(async () => {
  if (document.hidden) return;
  const answer = await fetch('${DEV_PATH}/generation').catch(() => undefined);
  if (!answer?.ok) return;
  const generation = await answer.text();
  first ??= generation;
  if (generation !== first) location.reload();
}, 500);
`;

function toAboutHtml([first = '', ...rest]: readonly string[]): string {
  return [`<h1>${escapeHtml(first)}</h1>`, ...rest.map((line) => `<p>${escapeHtml(line)}</p>`)].join('\n');
}

function toReportHtml({ title, place, frame, calls, cause }: ErrorReport): string {
  const [first = '', ...rest] = title.split('\n');
  return [
    `<h1>${escapeHtml(first)}</h1>`,
    rest.length > 0 ? `<pre>${escapeHtml(rest.join('\n'))}</pre>` : '',
    place === '' ? '' : `<p class="place"><code>${escapeHtml(place)}</code></p>`,
    frame ? `<pre class="frame">${toFrameHtml(frame)}</pre>` : '',
    calls.length > 1
      ? `<ol class="calls">${calls.map((call) => `<li><code>${escapeHtml(call)}</code></li>`).join('')}</ol>`
      : '',
    cause ? `<section><p class="tag">caused by</p>${toReportHtml(cause)}</section>` : '',
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function toFrameHtml(frame: CodeFrame): string {
  return toFrameRows(frame)
    .map(({ text, isMarked }) => (isMarked ? `<b>${escapeHtml(text)}</b>` : escapeHtml(text)))
    .join('\n');
}
