import { get } from 'node:http';
import { get as getByTls } from 'node:https';
import type { Config } from '../config/config.ts';
import { hasCode } from '../contract/error-code.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  forms: ['health'],
  about: 'Requests READY_PATH of the nexthop on PORT of this machine, as the health check of a container.',
  flags: { json: { about: 'print one JSON object' } },
  examples: [
    ['nexthop health', 'prints ready, or why it is not'],
    ['PORT=80 nexthop health --json', 'for a script'],
  ],
  exits: { 0: 'the server is ready', 1: 'it is not, or it does not answer' },
  hasSite: false,
  run: ({ config, out, flags }) => health(config, out, flags),
});

/** Long enough for a busy server, short enough for a container's health check. */
const TIMEOUT_MS = 3000;

/**
 * Requests READY_PATH of the server on this machine. Resolves with the exit code: 0 if it is ready.
 */
export async function health(
  config: Config,
  out: (line: string) => void,
  { json = false }: { readonly json?: boolean } = {},
): Promise<number> {
  const reason =
    config.READY_PATH === '' ? 'READY_PATH is empty, so there is nothing to request' : await request(config);
  const isReady = reason === undefined;
  if (json) out(JSON.stringify({ ready: isReady, ...(!isReady && { reason }) }));
  else out(isReady ? 'ready' : `not ready: ${reason}`);
  return isReady ? 0 : 1;
}

/** The port may be that of another server, or of none. */
function explain(error: Error, port: number): string {
  return hasCode(error, 'ECONNREFUSED') ? `no server listens on PORT ${port} (${error.message})` : error.message;
}

/** A server that is not ready answers 503. Any other status is of a site, a next hop or another server. */
function explainStatus(status: number | undefined, { PORT, READY_PATH }: Pick<Config, 'PORT' | 'READY_PATH'>): string {
  const answer = `${READY_PATH} on PORT ${PORT} answers ${status}`;
  return status === 503 ? answer : `${answer}; give this command the PORT and READY_PATH of the server`;
}

/** Resolves with the reason why the server is not ready; undefined if it is. */
function request({ PORT, HOST, READY_PATH, certificate }: Config): Promise<string | undefined> {
  const host = HOST === '' || HOST === '0.0.0.0' || HOST === '::' ? 'localhost' : HOST;
  return new Promise((resolve) => {
    // The certificate is for a public name, but this request uses a local one.
    const options = {
      host,
      port: PORT,
      path: READY_PATH,
      timeout: TIMEOUT_MS,
      agent: false,
      rejectUnauthorized: false,
    };
    const request = (certificate ? getByTls : get)(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? undefined : explainStatus(response.statusCode, { PORT, READY_PATH }));
    });
    request.on('timeout', () => request.destroy(new Error(`no response within ${TIMEOUT_MS} ms`)));
    request.on('error', (error) => resolve(explain(error, PORT)));
  });
}
