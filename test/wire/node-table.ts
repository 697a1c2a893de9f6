import test, { type ExecutionContext } from 'ava';
import { bareServer, pairServer } from '../helpers/node-servers.ts';
import { type Case, codeOf, type Note } from '../helpers/node-table/case.ts';
import { CONNECTIONS } from '../helpers/node-table/connections.ts';
import { REQUESTS } from '../helpers/node-table/requests.ts';
import { RESPONSES } from '../helpers/node-table/responses.ts';
import { until } from '../helpers/until.ts';

const REQUEST_EVENTS = ['end', 'close', 'aborted', 'error'];
const RESPONSE_EVENTS = ['prefinish', 'finish', 'close', 'error', 'pipe', 'drain'];

async function run(t: ExecutionContext, { client, listener }: Case, start: typeof bareServer): Promise<unknown> {
  const notes: unknown[] = [];
  let open = 0;
  const note: Note = (...values) => void notes.push(values.length === 1 ? values[0] : values);
  const server = await start(t, (request, response) => {
    open += 2;
    for (const name of REQUEST_EVENTS) request.on(name, (error?: unknown) => note(`request ${name}`, codeOf(error)));
    for (const name of RESPONSE_EVENTS) response.on(name, (error?: unknown) => note(`response ${name}`, codeOf(error)));
    request.on('close', () => open--);
    response.on('close', () => open--);
    return listener(request, response, note);
  });
  const peer = await server.connect();
  await client(peer);
  await until(() => open === 0, 'the end of each request and response');
  const received = peer.received.replaceAll(/^Date: .*$/gm, 'Date: …');
  return { notes, received };
}

for (const [title, each] of Object.entries({ ...REQUESTS, ...RESPONSES, ...CONNECTIONS })) {
  test(`${title} is the same as in node:http`, async (t) => {
    const bare = await run(t, each, bareServer);
    const paired = await run(t, each, pairServer);
    t.deepEqual(paired, bare);
  });
}
