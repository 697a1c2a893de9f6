import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { refusingPort } from '../helpers/refusing-port.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const PATH = '/.well-known/nexthop/ready';

test('the check says ready, and ?verbose the state of each part, without changing the status', async (t) => {
  const edge = await startEdge(t, { env: { NEXT_HOP: `http://127.0.0.1:${await refusingPort(t)}` } });
  const read = async () => {
    const response = await fetch(`${edge.url}${PATH}?verbose`);
    return {
      status: response.status,
      ...((await response.json()) as { state: string; parts: Record<string, object> }),
    };
  };

  t.is(await (await fetch(`${edge.url}${PATH}`)).text(), 'ready\n');
  const before = await read();
  await fetch(`${edge.url}/x`);
  const after = await read();

  t.like(before, {
    status: 200,
    state: 'ready',
    parts: { hop: { state: 'ok' }, site: { state: 'ok' }, logs: { lost_lines: 0 } },
  });
  t.is(before.parts.store, undefined, 'a site without jobs opens no store');
  t.like(after, { status: 200, parts: { hop: { state: 'degraded', last_fault: 'hop_unreachable' } } });
});

test('a site with jobs shows its store and its jobs', async (t) => {
  const site = await siteFolder(t, { 'netlify/functions/work-background.mjs': 'export default () => {};' });
  const edge = await startEdge(t, { site });

  await edge.edge.reload();

  const { parts } = (await (await fetch(`${edge.url}${PATH}?verbose`)).json()) as { parts: object };
  t.like(parts, { store: { state: 'ok' }, jobs: { state: 'ok', waiting: 0, dead: 0 }, site: { state: 'ok' } });
});

test('for a client elsewhere, ?verbose is a path like any other', async (t) => {
  const edge = await startEdge(t, { env: { NEXT_HOP: `http://127.0.0.1:${await refusingPort(t)}` } });

  const { status } = await fetch(`${edge.url}${PATH}?verbose`, { headers: { 'x-forwarded-for': '203.0.113.7' } });

  t.is(status, 502);
});

for (const [LOG_STRICT, status, text] of [
  ['1', 503, 'logs cannot be written\n'],
  ['0', 200, 'ready\n'],
] as const) {
  test(`with LOG_STRICT=${LOG_STRICT} the check answers ${status} on a full log disk, and 200 when it can be written`, async (t) => {
    const logDir = join(await siteFolder(t, {}), 'log');
    await mkdir(logDir);
    await symlink('/dev/full', join(logDir, 'access.log'));
    const edge = await startEdge(t, { env: { LOG_DIR: logDir, LOG_STRICT } });
    const check = async (query = '') => {
      const response = await fetch(`${edge.url}${PATH}${query}`);
      return { status: response.status, text: await response.text() };
    };

    const verbose = await untilResult(
      () => check('?verbose'),
      (answer) => answer.text.includes('"down"'),
    );
    t.like(JSON.parse(verbose.text), { parts: { logs: { state: 'down' } } });
    t.deepEqual(await check(), { status, text });

    // As when a rotation makes room.
    await rm(join(logDir, 'access.log'));
    edge.edge.log.reopen();
    t.like(await check(), { status: 200 });
  });
}
