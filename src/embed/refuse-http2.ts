import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault } from '../contract/fault.ts';
import { toFaultPage } from '../http/fault-page.ts';

/**
 * Answers what Node makes of a request over HTTP/2 for those who know HTTP/1: 505. Functions would find fields that are none (`:path`) and no Host, and
 * to let it pass would lead around whatever guards the site.
 */
export function refuseHttp2({ headers }: IncomingMessage, response: ServerResponse): void {
  const fault = new Fault('version_unsupported');
  const page = toFaultPage(fault, { requestId: '', accept: headers.accept ?? '', dev: false });
  response.statusCode = fault.status;
  response.setHeader('Content-Type', page.contentType);
  response.setHeader('Cache-Control', 'no-store');
  response.end(page.body);
}
