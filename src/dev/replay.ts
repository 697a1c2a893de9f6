import { request as requestPlain } from 'node:http';
import { request as requestByTls } from 'node:https';
import type { RequestRecord } from './request-record.ts';

/** Where this server listens. */
export interface OwnServer {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** Of the connection and the message, which are new, and the id, which distinguishes the requests. */
const LEFT_OUT =
  /^(?:connection|keep-alive|content-length|transfer-encoding|expect|upgrade|te|trailer|x-request-id|section-io-id)$/i;

/** Whether all of the request is kept. */
export function canBeSentAgain({ body, headers, target }: RequestRecord): boolean {
  const isUpgrade = headers.some((name, at) => at % 2 === 0 && /^upgrade$/i.test(name));
  return body !== undefined && !isUpgrade && target.startsWith('/');
}

/** Sends the same request to this server again. Resolves with the status, when the response is complete. */
export function sendAgain(record: RequestRecord, { host, port, isTls }: OwnServer): Promise<number> {
  const { method, target, headers, body } = record;
  if (body === undefined || !canBeSentAgain(record)) throw new Error('not all of this request is kept');
  const kept = headers.flatMap((name, at) => (at % 2 > 0 || LEFT_OUT.test(name) ? [] : [name, headers[at + 1] ?? '']));
  if (body.length > 0) kept.push('Content-Length', String(body.length));
  const send = isTls ? requestByTls : requestPlain;
  return new Promise((resolve, reject) => {
    // The certificate is for a public name.
    const options = { host, port, method, path: target, headers: kept, agent: false, rejectUnauthorized: false };
    const request = send(options, (response) => {
      response.resume();
      response.on('close', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
    request.end(body);
  });
}
