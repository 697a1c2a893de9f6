import test, { type ExecutionContext } from 'ava';
import type { Store } from '../../../../src/contract/store.ts';
import type { ConversationStore } from '../../../../src/dialects/edgeone/conversations/conversation-store.ts';
import { openConversations } from '../../../../src/dialects/edgeone/conversations/open-conversations.ts';
import { CONFIGURED_STORES } from '../../../helpers/configured-store.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

/** Two stores of conversations over one store, or over two connections to it, as in two processes. */
function openTwo(
  store: Store,
  messageLimitBytes = 0,
  other: Store = store,
): readonly [ConversationStore, ConversationStore] {
  const open = (each: Store, runId?: string): ConversationStore =>
    openConversations((namespace) => each.kv(namespace), { root: '/', messageLimitBytes })('c', runId);
  return [open(store, 'run-1'), open(other)];
}

async function rejectedWith(t: ExecutionContext, name: string, call: Promise<unknown>): Promise<void> {
  const error = await t.throwsAsync(call);
  t.is(error?.name, name, error?.message);
}

for (const [kind, configure] of Object.entries(CONFIGURED_STORES)) {
  test(`${kind}: 250 messages are read once and in their order, while another process appends`, async (t) => {
    const { open } = await configure(t);
    const [first, second] = openTwo(await open(), 0, await open());
    const ids: string[] = [];
    for (let count = 0; count < 250; count++) {
      ids.push(await first.appendMessage({ conversationId: 'c/1', role: 'user', content: { count } }));
    }
    const appending = Promise.all(
      Array.from({ length: 20 }, () =>
        second.appendMessage({ conversationId: 'c/1', role: 'assistant', content: 'x' }),
      ),
    );

    const read: string[] = [];
    for (;;) {
      const after = read.at(-1);
      const page = await second.getMessages({ conversationId: 'c/1', limit: 100, ...(after && { after }) });
      if (read.length === 0)
        t.deepEqual([page.length, page[0]?.content, page[99]?.content], [100, { count: 0 }, { count: 99 }]);
      read.push(...page.map(({ messageId }) => messageId));
      if (page.length < 100) break;
    }
    await appending;

    t.deepEqual(read.slice(0, 250), ids);
    t.is(new Set(read).size, read.length);
    t.is((await first.getConversation('c/1')).messageCount, 270);
    await rejectedWith(t, 'MemoryValidationError', first.getMessages({ conversationId: 'c/1', limit: 101 }));
  });

  test(`${kind}: messages and conversations are changed and deleted`, async (t) => {
    const [store] = openTwo(await (await configure(t)).open());
    const id = await store.appendMessage({
      conversationId: 'a',
      role: 'user',
      content: 'hi',
      metadata: { idempotency_key: 'k' },
      userId: 'u',
    });
    t.is(
      await store.appendMessage({
        conversationId: 'a',
        role: 'user',
        content: 'again',
        metadata: { idempotency_key: 'k' },
      }),
      id,
    );
    t.is(
      await store.appendMessage({ conversationId: 'a', role: 'assistant', content: 2, messageId: 'own/id' }),
      'own/id',
    );
    t.is(
      await store.appendMessage({ conversationId: 'a', role: 'assistant', content: 3, messageId: 'own/id' }),
      'own/id',
    );
    await store.appendMessage({ conversationId: 'b', role: 'tool', content: null });

    const messages = await store.getMessages({ conversationId: 'a', order: 'desc' });
    t.deepEqual(
      messages.map(({ content }) => content),
      [2, 'hi'],
    );
    t.like(messages[1], { messageId: id, role: 'user', metadata: { idempotency_key: 'k', run_id: 'run-1' } });
    t.deepEqual(store.toOpenAIInput(messages), [
      { role: 'assistant', content: 2 },
      { role: 'user', content: 'hi' },
    ]);
    t.deepEqual(
      (await store.getMessages({ conversationId: 'a', before: 'own/id' })).map(({ messageId }) => messageId),
      [id],
    );
    t.is((await store.getMessages({ conversationId: 'a', after: 'unknown' })).length, 2);
    t.deepEqual(await store.getMessages({ conversationId: 'unknown' }), []);

    t.like(await store.updateMessage({ conversationId: 'a', messageId: id, metadata: { b: 1 } }), {
      content: 'hi',
      metadata: { idempotency_key: 'k', b: 1 },
    });
    await store.deleteMessage({ conversationId: 'a', messageId: id });
    t.like(await store.updateConversation('a', { metadata: { title: 'T' } }), {
      conversationId: 'a',
      messageCount: 1,
      metadata: { title: 'T' },
    });
    t.like(await store.updateConversation({ conversationId: 'a', metadata: { starred: true } }), {
      messageCount: 1,
      metadata: { title: 'T', starred: true },
    });
    t.is((await store.getConversation({ conversationId: 'a' })).metadata?.starred, true);
    t.deepEqual(
      (await store.listConversations({ userId: 'u' })).items.map(({ conversationId }) => conversationId),
      ['a'],
    );
    const newest = await store.listConversations({ limit: 1 });
    t.is(newest.items[0]?.conversationId, 'b');
    t.is((await store.listConversations({ limit: 1, after: newest.nextCursor })).items[0]?.conversationId, 'a');
    await store.clearMessages({ conversationId: 'a' });
    t.is((await store.getConversation('a')).messageCount, 0);
    await store.deleteConversation('a');
    await store.deleteConversation({ conversationId: 'b', userId: 'u' });
    t.deepEqual((await store.listConversations()).items, []);

    for (const call of [
      store.getConversation('a'),
      store.clearMessages({ conversationId: 'a' }),
      store.deleteConversation('a'),
      store.updateConversation('a', {}),
      store.updateConversation({ conversationId: 'a', metadata: {} }),
      store.updateMessage({ conversationId: 'a', messageId: id }),
      store.deleteMessage({ conversationId: 'a', messageId: id }),
    ])
      await rejectedWith(t, 'MemoryNotFoundError', call);
  });

  test(`${kind}: a session of @openai/agents gives its last items`, async (t) => {
    const [store] = openTwo(await (await configure(t)).open());
    await store.appendMessage({ conversationId: 's', role: 'user', content: 'no item' });
    const session = store.openaiSession('s');
    await session.addItems([
      { role: 'user', content: 'one' },
      { type: 'function_call', name: 'f' },
      { role: 'assistant', content: 'two' },
    ]);

    t.is(await session.getSessionId(), 's');
    t.deepEqual(await session.getItems(2), [
      { type: 'function_call', name: 'f' },
      { role: 'assistant', content: 'two' },
    ]);
    t.deepEqual(await session.popItem(), { role: 'assistant', content: 'two' });
    t.is((await session.getItems()).length, 2);
    await session.clearSession();
    t.deepEqual(await session.getItems(), []);
    t.is((await store.getMessages({ conversationId: 's' })).length, 1);
  });
}

test('wrong arguments of the conversation store are validation errors', async (t) => {
  const kv = { get: () => t.fail(), put: () => t.fail(), delete: () => t.fail(), list: async () => [] };
  const [store] = openTwo({ kv: () => kv } as unknown as Store, 10);
  const message = { conversationId: 'c', role: 'user', content: 'x' };

  for (const call of [
    store.appendMessage(undefined),
    store.appendMessage({ ...message, conversationId: '' }),
    store.appendMessage({ ...message, conversationId: 'x'.repeat(257) }),
    store.appendMessage({ ...message, role: 'robot' }),
    store.appendMessage({ ...message, content: undefined }),
    store.appendMessage({ ...message, content: 'x'.repeat(10) }),
    store.appendMessage({ ...message, metadata: [] }),
    store.getMessages({ conversationId: 'c', limit: 0 }),
    store.getMessages({ conversationId: 'c', order: 'up' }),
    store.getMessages({ conversationId: 'c', after: 'a', before: 'b' }),
    store.getConversation(5),
  ])
    await rejectedWith(t, 'MemoryValidationError', call);
});

test('a cloud function reads what an agent wrote, also after a restart', async (t) => {
  const site = await siteFolder(t, {
    'agents/chat.ts': `export const onRequest = async ({ store, conversation_id: conversationId, request }) =>
      ({ id: await store.appendMessage({ conversationId, role: 'user', content: request.body.message }) });`,
    'cloud-functions/history/index.ts': `export const onRequest = async (context) => {
      const { conversation_id: conversationId, store } = context.agent;
      return { keys: Object.keys(context), messages: await store.getMessages({ conversationId }), langgraph: typeof store.langgraphStore };
    };`,
  });
  const headers = { 'makers-conversation-id': 'talk', 'content-type': 'application/json' };
  const first = await startEdge(t, { site });
  await fetch(`${first.url}/chat`, { method: 'POST', headers, body: '{"message":"hello"}' });
  await first.close();

  const { url } = await startEdge(t, { site });
  const history = (await (await fetch(`${url}/history`, { headers })).json()) as Record<string, unknown>;

  t.like(history, { langgraph: 'undefined', messages: [{ role: 'user', content: 'hello' }] });
  t.deepEqual(history.keys, ['request', 'env', 'params', 'uuid', 'server', 'clientIp', 'geo']);
});
