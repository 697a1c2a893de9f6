import test, { type ExecutionContext } from 'ava';
import { AgentRuns, type StopResult } from '../../../../src/dialects/edgeone/agents/agent-runs.ts';
import { CONFIGURED_STORES } from '../../../helpers/configured-store.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';
import { until } from '../../../helpers/until.ts';
import { untilResult } from '../../../helpers/until-result.ts';

const FILES = {
  'agents/chat/index.ts': `export const onRequest = ({ request, conversation_id }) => new Promise((resolve) => {
    (globalThis.stopped ??= {})[conversation_id] = false;
    request.signal.addEventListener('abort', () => { globalThis.stopped[conversation_id] = true; });
  });`,
  'agents/stop/index.ts': `export const onRequestPost = ({ request, utils }) => utils.abortActiveRun(request.body.conversation_id);`,
};

const isStopped = (id: string): boolean | undefined =>
  (Reflect.get(globalThis, 'stopped') as Record<string, boolean> | undefined)?.[id];

async function ask(url: string, id: string, body?: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(id !== '' && { 'makers-conversation-id': id }) },
    body: JSON.stringify(body ?? {}),
  });
}

async function stopsFor(t: ExecutionContext, chatUrl: string, stopUrl: string, prefix: string): Promise<void> {
  for (const [id, header] of [
    [`${prefix}-1`, ''],
    [`${prefix}-2`, `${prefix}-2`],
  ] as const) {
    const chat = ask(`${chatUrl}/chat`, id);
    await until(() => isStopped(id) === false, 'the run');
    // The entry of a run in another process is written while its agent is called.
    const stop = await untilResult(
      async () => {
        const answer = await ask(`${stopUrl}/stop`, header, { conversation_id: id });
        t.is(answer.status, 200, 'its own run goes on');
        const result = (await answer.json()) as StopResult;
        // Both are in this process, so the signal fires before the stop is answered.
        if (result.aborted && chatUrl === stopUrl) t.true(isStopped(id));
        return result;
      },
      ({ aborted }) => aborted,
    );
    const response = await chat;
    t.is(response.status, 499);
    t.like(await response.json(), { code: 'AGENT_RUN_CANCELLED', conversation_id: id, run_id: stop.run_id });
    t.true(isStopped(id));
  }
  t.deepEqual(await (await ask(`${stopUrl}/stop`, '', { conversation_id: 'unknown' })).json(), { aborted: false });
}

test('abortActiveRun stops the run of a conversation, and never the caller', async (t) => {
  const { url } = await startEdge(t, { site: await siteFolder(t, FILES) });

  await stopsFor(t, url, url, 'same');
});

/** Five times the time within which an order reaches another process on a quiet machine. */
const LATEST_MS = 500;

for (const [kind, configure] of Object.entries(CONFIGURED_STORES)) {
  test(`${kind}: abortActiveRun stops a run of another process on the same store, soon`, async (t) => {
    const { env } = await configure(t);
    const [first, second] = [
      await startEdge(t, { site: await siteFolder(t, FILES), env }),
      await startEdge(t, { site: await siteFolder(t, FILES), env }),
    ];

    await stopsFor(t, first.url, second.url, kind);

    const chat = ask(`${first.url}/chat`, `${kind}-3`);
    await until(() => isStopped(`${kind}-3`) === false, 'the run');
    const orderedAtMs = await untilResult(
      async () => {
        const stop = await ask(`${second.url}/stop`, '', { conversation_id: `${kind}-3` });
        return ((await stop.json()) as StopResult).aborted ? performance.now() : 0;
      },
      (time) => time > 0,
    );
    await until(() => isStopped(`${kind}-3`) === true, 'the signal');
    const ms = performance.now() - orderedAtMs;
    t.true(ms < LATEST_MS, `${ms} ms`);
    t.log(`${Math.round(ms)} ms`);
    await chat;
  });
}

test('POST <agent>/stop stops the conversation of its header', async (t) => {
  const { url } = await startEdge(t, {
    site: await siteFolder(t, { 'agents/chat/index.ts': FILES['agents/chat/index.ts'] }),
  });
  const chat = ask(`${url}/chat`, 'built-in');
  await until(() => isStopped('built-in') === false, 'the run');

  const stop = (await (await ask(`${url}/chat/stop`, 'built-in')).json()) as object;

  t.is((await chat).status, 499);
  t.like(stop, { status: 'aborting', conversation_id: 'built-in' });
  t.like(await (await ask(`${url}/chat/stop`, 'built-in')).json(), { status: 'idle' });
});

test('runs without a store are stopped in their own process', async (t) => {
  const log = { warn: () => t.fail() } as unknown as ConstructorParameters<typeof AgentRuns>[1];
  const runs = new AgentRuns(undefined, log);
  const stopped: string[] = [];
  const end = runs.begin({ id: '1', conversation: 'c', stop: () => stopped.push('1') });
  runs.begin({ id: '2', conversation: 'c', stop: () => stopped.push('2') });

  t.deepEqual(runs.stop('c', '2', await runs.findOthers()).run_ids, ['1']);
  end();
  end();
  t.deepEqual(runs.stop('c', '2', []), { aborted: false });
  t.deepEqual(stopped, ['1']);
});
