import { get, type IncomingMessage } from 'node:http';
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

/**
 * A server that is not ready answers 503. Any other status is of a site, a next hop or another
 * server, and so is 200 with other text than this page of nexthop has (src/http/ready.ts).
 */
async function explainResponse(response: IncomingMessage, { PORT, READY_PATH }: Asked): Promise<string | undefined> {
  const { statusCode: status } = response;
  if (status === 200 && (await isOwn(response))) return undefined;
  const answer = `${READY_PATH} on PORT ${PORT} answers ${status}`;
  if (status === 503) return answer;
  const from = status === 200 ? ', but a site, a next hop or another server does' : '';
  return `${answer}${from}; give this command the PORT and READY_PATH of the server`;
}

type Asked = Pick<Config, 'PORT' | 'READY_PATH'>;

const READY_TEXT = 'ready\n';

async function isOwn(response: IncomingMessage): Promise<boolean> {
  let text = '';
  for await (const chunk of response) {
    text += chunk;
    if (text.length > READY_TEXT.length) return false;
  }
  return text === READY_TEXT;
}

/** Resolves with the reason why the server is not ready; undefined if it is. */
function request({ PORT, HOST, READY_PATH, VIA, LOOP_LIMIT, certificate }: Config): Promise<string | undefined> {
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
      // Refused by a server that would forward it: its next hop may be a nexthop with the same page.
      headers: { 'CDN-Loop': Array.from({ length: LOOP_LIMIT }, () => VIA).join(', ') },
    };
    const request = (certificate ? getByTls : get)(options, (response) => {
      const explained = explainResponse(response, { PORT, READY_PATH });
      // Of a response that is cut.
      explained.then(resolve, (error: Error) => resolve(explain(error, PORT))).finally(() => request.destroy());
    });
    request.on('timeout', () => request.destroy(new Error(`no response within ${TIMEOUT_MS} ms`)));
    request.on('error', (error) => resolve(explain(error, PORT)));
  });
}
