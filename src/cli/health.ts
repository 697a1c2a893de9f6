import { get } from 'node:http';
import { get as getByTls } from 'node:https';
import type { Config } from '../config/config.ts';

/** Long enough for a busy server, short enough for a container's health check. */
const TIMEOUT_MS = 3000;

/**
 * Requests READY_PATH of the server on this machine. Resolves with the exit code: 0 if it is ready.
 */
export async function health(config: Config, out: (line: string) => void): Promise<number> {
  const { PORT, HOST, READY_PATH, certificate } = config;
  if (READY_PATH === '') {
    out('READY_PATH is empty, so there is nothing to request');
    return 1;
  }
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
      out(response.statusCode === 200 ? 'ready' : `not ready: status ${response.statusCode}`);
      resolve(response.statusCode === 200 ? 0 : 1);
    });
    request.on('timeout', () => request.destroy(new Error(`no response within ${TIMEOUT_MS} ms`)));
    request.on('error', (error) => {
      out(`not ready: ${error.message}`);
      resolve(1);
    });
  });
}
