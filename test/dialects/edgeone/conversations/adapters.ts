import test, { type ExecutionContext } from 'ava';
import type { Store } from '../../../../src/contract/store.ts';
import type { ConversationStore } from '../../../../src/dialects/edgeone/conversations/conversation-store.ts';
import { openConversations } from '../../../../src/dialects/edgeone/conversations/open-conversations.ts';
import { CONFIGURED_STORES, configureSqlite } from '../../../helpers/configured-store.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { LANGGRAPH } from '../../../helpers/langgraph-package.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const SESSION_ID = '0a1b2c3d-0000-4000-8000-00000000000f';

/** As in a new process. `runId`: of an agent. */
function open(store: Store, { conversation = 'c', root = '/', runId = 'run' } = {}): ConversationStore {
  const conversations = openConversations((namespace) => store.kv(namespace), { root, messageLimitBytes: 1000 });
  return conversations(conversation, runId || undefined);
}

async function rejectedWith(t: ExecutionContext, name: string, call: Promise<unknown>): Promise<void> {
  const error = await t.throwsAsync(call);
  t.is(error?.name, name, error?.message);
}

for (const [kind, configure] of Object.entries(CONFIGURED_STORES)) {
  test(`${kind}: a transcript of a Claude session is loaded as it was appended`, async (t) => {
    const store = await (await configure(t)).open();
    const [first, second] = [open(store).claudeSessionStore(), open(store).claudeSessionStore()];
    const main = { projectKey: '-home-me/site', sessionId: SESSION_ID };
    const agent = { ...main, subpath: 'subagents/agent-1' };

    t.is(await first.load(main), null);
    await first.append(main, [{ type: 'user', uuid: '1', text: 'a' }, { type: 'title' }]);
    await second.append(main, [{ type: 'assistant', uuid: '2' }, { type: 'title' }]);
    // The SDK tries an append again whose end it does not know.
    await first.append(main, [{ type: 'assistant', uuid: '2' }]);
    await first.append(agent, [{ type: 'user', uuid: '1' }]);

    t.deepEqual(await second.load(main), [
      { type: 'user', uuid: '1', text: 'a' },
      { type: 'title' },
      { type: 'assistant', uuid: '2' },
      { type: 'title' },
    ]);
    t.deepEqual(await second.load(agent), [{ type: 'user', uuid: '1' }]);
    t.deepEqual(await second.listSubkeys(main), ['subagents/agent-1']);
    const [session, ...others] = await second.listSessions(main.projectKey);
    t.is(session?.sessionId, SESSION_ID);
    t.true(Math.abs((session?.mtime ?? 0) - Date.now()) < 60_000);
    t.deepEqual([others, await second.listSessions('another')], [[], []]);
    await first.delete(agent);
    t.deepEqual([await first.load(agent), await first.listSubkeys(main)], [null, []]);
    await first.delete(main);
    t.deepEqual([await first.load(main), await first.listSessions(main.projectKey)], [null, []]);
  });
}

test('a conversation has one Claude session in every process', async (t) => {
  const store = await (await configureSqlite(t)).open();
  const uuid = 'abcdef01-2345-4789-8abc-def012345678';

  const id = await open(store).claudeSessionBinding('any text');

  t.regex(id, /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  t.is(await open(store).claudeSessionBinding('any text'), id);
  t.not(await open(store).claudeSessionBinding('another text'), id);
  t.is(await open(store).claudeSessionBinding(uuid), uuid);
  // Other conversations, whose ids look like the id of a session.
  t.not(await open(store).claudeSessionBinding(uuid.toUpperCase()), uuid);
  t.not(await open(store).claudeSessionBinding(id), id);
});

test('values of store.state belong to one conversation, and are JSON', async (t) => {
  const store = await (await configureSqlite(t)).open();
  const { state } = open(store);

  await state.set('order/1', { id: 7, lines: ['a', null, true], none: undefined });
  t.deepEqual(await open(store, { runId: '' }).state.get('order/1'), { id: 7, lines: ['a', null, true] });
  t.is(await open(store, { conversation: 'd' }).state.get('order/1'), null);
  await state.delete('order/1');
  await state.delete('order/1');
  t.is(await state.get('order/1'), null);

  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const wrong = [undefined, Number.NaN, 1n, () => 1, new Date(), { deep: [new Map()] }, circle, 'x'.repeat(1000)];
  for (const value of wrong) await rejectedWith(t, 'MemoryValidationError', state.set('k', value));
  const unbound = open(store, { conversation: '' }).state;
  await rejectedWith(t, 'MemoryValidationError', unbound.set('k', 1));
  t.is(await unbound.get('k'), null);
});

const AGENT = `import { makeGraph } from '@langchain/langgraph';
  export const onRequest = async ({ store, request, conversation_id: thread_id }) => {
    const { langgraphCheckpointer: checkpointer, langgraphStore } = store;
    const graph = makeGraph({ checkpointer });
    await langgraphStore.put(['users', request.body.user], 'seen', { count: request.body.count });
    return {
      state: await graph.invoke(request.body.say, { configurable: { thread_id } }),
      items: await langgraphStore.search(['users'], { filter: { count: { $gte: 2 } } }),
      namespaces: await langgraphStore.listNamespaces({ maxDepth: 1 }),
    };
  };`;

test('a graph of LangGraph goes on with its thread after a restart', async (t) => {
  const { env } = await configureSqlite(t);
  const site = await siteFolder(t, {
    ...LANGGRAPH,
    'agents/chat.js': AGENT,
    'cloud-functions/kinds.js':
      'export const onRequest = ({ agent: { store } }) => [typeof store.langgraphCheckpointer, typeof store.langgraphStore];',
  });
  const headers = { 'makers-conversation-id': 'talk', 'content-type': 'application/json' };
  const say = async (url: string, body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${url}/chat`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await response.json()) as Record<string, unknown>;
  };
  const first = await startEdge(t, { site, env });
  t.like(await say(first.url, { say: 'one', user: 'a', count: 1 }), { state: ['one'], items: [] });
  await first.close();

  const { url } = await startEdge(t, { site, env });
  const answer = await say(url, { say: 'two', user: 'b', count: 2 });

  t.like(answer, { state: ['one', 'two'], namespaces: [['users']] });
  t.like((answer.items as object[])[0], { namespace: ['users', 'b'], key: 'seen', value: { count: 2 } });
  t.deepEqual(await (await fetch(`${url}/kinds`)).json(), ['undefined', 'undefined']);
});

/** The methods that the classes of the package declare. */
interface Saver {
  getTuple(config: object): Promise<{ checkpoint: { id: string }; parentConfig?: object; pendingWrites: unknown[] }>;
  list(config: object, options?: object): AsyncGenerator<{ checkpoint: { id: string } }>;
  put(config: object, checkpoint: object, metadata: object): Promise<object>;
  putWrites(config: object, writes: unknown[], task: string, path?: string): Promise<void>;
  deleteThread(thread: string): Promise<void>;
}

async function openWithPackage(t: ExecutionContext): Promise<{ store: Store; memory: ConversationStore }> {
  const store = await (await configureSqlite(t)).open();
  const root = await siteFolder(t, LANGGRAPH);
  return { store, memory: open(store, { root }) };
}

test('a checkpointer gives the newest checkpoint, a list from new to old, and writes in the order of a step', async (t) => {
  const { memory } = await openWithPackage(t);
  const saver = memory.langgraphCheckpointer as Saver;
  const thread = { configurable: { thread_id: 't' } };
  const first = await saver.put(thread, { id: '1f-1', v: 4 }, { step: 1 });
  const second = await saver.put(first, { id: '1f-2', v: 4 }, { step: 2 });
  await saver.put({ configurable: { thread_id: 't', checkpoint_ns: 'sub' } }, { id: '1f-9' }, {});
  await saver.putWrites(second, [['a', 1]], 'task-2', 'x');
  await saver.putWrites(
    second,
    [
      ['b', new Uint8Array([255])],
      ['__interrupt__', 'q'],
    ],
    'task-1',
    'x',
  );
  await saver.putWrites(
    second,
    [
      ['b', 'later'],
      ['__interrupt__', 'r'],
    ],
    'task-1',
    'x',
  );
  await saver.putWrites(second, [['c', 3]], 'task-9');

  const newest = await saver.getTuple(thread);
  t.like(newest, { checkpoint: { id: '1f-2' }, parentConfig: { configurable: { checkpoint_id: '1f-1' } } });
  t.deepEqual(newest.pendingWrites, [
    ['task-9', 'c', 3],
    ['task-1', '__interrupt__', 'r'],
    ['task-1', 'b', new Uint8Array([255])],
    ['task-2', 'a', 1],
  ]);
  t.like(await saver.getTuple(first), { checkpoint: { id: '1f-1' } });
  const idsOf = async (config: object, options?: object): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { checkpoint } of saver.list(config, options)) ids.push(checkpoint.id);
    return ids;
  };
  const main = { configurable: { thread_id: 't', checkpoint_ns: '' } };
  t.deepEqual(await idsOf(main), ['1f-2', '1f-1']);
  t.deepEqual(await idsOf(main, { before: second }), ['1f-1']);
  t.deepEqual(await idsOf(main, { limit: 1 }), ['1f-2']);
  t.deepEqual(await idsOf(main, { filter: { step: 1 } }), ['1f-1']);
  await saver.deleteThread('t');
  t.is(await saver.getTuple(thread), undefined as never);
});

test('a damaged checkpoint is a MemoryCorruptError', async (t) => {
  const { store, memory } = await openWithPackage(t);
  const saver = memory.langgraphCheckpointer as Saver;
  const config = { configurable: { thread_id: 't' } };
  await saver.put(config, { id: '1' }, {});
  const kv = store.kv('edgeone/conversations');
  const [key = ''] = await kv.list('k/', 1);
  await kv.put(key, Buffer.from('{"checkpoint":["json","{"],"metadata":["json","{}"]}'));
  await rejectedWith(t, 'MemoryCorruptError', saver.getTuple(config));
  await kv.put(key, Buffer.from('{'));
  await rejectedWith(t, 'MemoryCorruptError', saver.getTuple(config));
});

test('deleteConversation removes its state, its checkpoints and its Claude session', async (t) => {
  const { store, memory } = await openWithPackage(t);
  const claude = memory.claudeSessionStore();
  const session = { projectKey: 'p', sessionId: await memory.claudeSessionBinding('c') };
  await memory.state.set('k', 1);
  await claude.append(session, [{ type: 'user' }]);
  const saver = memory.langgraphCheckpointer as Saver;
  const config = await saver.put({ configurable: { thread_id: 'c' } }, { id: '1' }, {});
  await saver.putWrites(config, [['a', 1]], 'task');
  await memory.appendMessage({ conversationId: 'c', role: 'user', content: 'x' });
  await (memory.langgraphStore as { put(...given: unknown[]): Promise<void> }).put(['n'], 'key', {});

  await memory.deleteConversation('c');

  // Items of `langgraphStore` belong to no conversation.
  t.deepEqual(await store.kv('edgeone/conversations').list('', 10), ['l/n/key']);
  await rejectedWith(t, 'MemoryNotFoundError', memory.deleteConversation('c'));
});

test('an absent or old package is an error that names it, when it is used first', async (t) => {
  const store = await (await configureSqlite(t)).open();
  const old = await siteFolder(t, {
    ...LANGGRAPH,
    'node_modules/@langchain/langgraph/index.js':
      'export class BaseCheckpointSaver {}; export class BaseStore {}; export const emptyCheckpoint = () => ({ v: 1 });',
  });

  t.throws(() => open(store).langgraphCheckpointer, { message: /npm install @langchain\/langgraph/ });
  t.throws(() => open(store, { root: old }).langgraphStore, { message: /@langchain\/langgraph 1 or later is needed/ });
});
