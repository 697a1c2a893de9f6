import test, { type ExecutionContext } from 'ava';
import type { Fault } from '../../../src/contract/fault.ts';
import type { Problem } from '../../../src/contract/problem.ts';
import { CloudFunctions } from '../../../src/dialects/edgeone/functions/cloud-functions.ts';
import { CLOUD_FUNCTIONS, findFiles } from '../../../src/dialects/edgeone/functions/find-files.ts';
import { openEntries } from '../../../src/dialects/edgeone/functions/open-entries.ts';
import { createRouter } from '../../../src/routing/router.ts';
import { serveExchanges } from '../../helpers/exchange-server.ts';
import { project } from '../../helpers/project.ts';
import { writeText } from '../../helpers/write-text.ts';

const EXPRESS =
  "import express from 'express'; const app = express(); app.get('/', (_, response) => response.send('top'));";

test('an app that loads late answers 500 in its bare folder and below it until it has loaded, and then works in both', async (t) => {
  const { getAll, finish, problems } = await openLate(
    t,
    `${EXPRESS} app.get('/x', (_, response) => response.send('x')); export default app;`,
  );

  t.like(problems, [{ severity: 'error', file: 'cloud-functions/app/[[default]].js' }]);
  t.deepEqual(await getAll(), ['500', '500', '500']);
  finish();
  t.deepEqual(await getAll(), ['200 top', '200 top', '200 x']);
});

test('a catch-all that loads late and exports a handler no longer answers its bare folder', async (t) => {
  const { getAll, finish } = await openLate(
    t,
    'const all = { onRequest: () => new Response("all") }; export default all.onRequest;',
  );

  t.deepEqual(await getAll(), ['500', '500', '500']);
  finish();
  t.deepEqual(await getAll(), ['421', '421', '200 all']);
});

test('an app that fails after the start is reported with the error and its location', async (t) => {
  const { getAll, finish, faults, log } = await openLate(
    t,
    `${EXPRESS} export default app;`,
    "\nthrow new Error('no database');",
  );

  t.deepEqual(await getAll(), ['500', '500', '500']);
  finish();
  t.deepEqual(await getAll(), ['500', '500', '500']);

  t.regex(String(faults.at(-1)?.cause), /no database/);
  t.like(log.at(-1), {
    message: 'a function that was late throws while it loads: no database',
    file: 'cloud-functions/app/[[default]].js:2:7',
  });
});

interface Late {
  readonly problems: readonly Problem[];
  finish(): void;
  /** Responses in the bare folder, without and with a slash, and below it. */
  getAll(): Promise<readonly string[]>;
  readonly faults: readonly Fault[];
  /** Lines of the log so far. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
}

let lateCount = 0;

/** Opens `[[default]].js` with this text. It finishes loading when `finish` is called. */
async function openLate(t: ExecutionContext, text: string, end = ''): Promise<Late> {
  const name = `finishLate${++lateCount}`;
  const wait = `await new Promise((go) => { globalThis.${name} = go });`;
  const opened = await project(t, { 'cloud-functions/app/[[default]].js': `${text} ${wait}${end}` });
  const { files } = await findFiles(opened.root, CLOUD_FUNCTIONS);
  const lines: Readonly<Record<string, unknown>>[] = [];
  const log = { ...opened.log, error: (message: string, fields = {}) => void lines.push({ ...fields, message }) };
  const { routes, problems } = await openEntries({
    project: { ...opened, log },
    kind: new CloudFunctions(opened),
    files,
    loadLimitMs: 20,
  });
  const router = createRouter(routes);
  const { port, faults } = await serveExchanges(t, async (exchange) => {
    for (const { route, params } of router.find('GET', exchange.target)) {
      if ((await route.target.answer(exchange, params)) === 'answered') return;
    }
    writeText(exchange, 421, '');
  });
  const get = async (path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    const body = await answer.text();
    return answer.status === 200 ? `200 ${body}` : String(answer.status);
  };
  return {
    problems,
    faults,
    log: lines,
    finish: (globalThis as unknown as Record<string, () => void>)[name] as () => void, // set by the module above
    getAll: () => Promise.all(['/app', '/app/', '/app/x'].map(get)),
  };
}
