import test, { type ExecutionContext } from 'ava';
import { type ConversationsCall, conversations } from '../../src/cli/conversations.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { readConfig } from '../../src/config/config.ts';
import { UserError } from '../../src/contract/user-error.ts';
import type { ConversationStore } from '../../src/dialects/edgeone/conversations/conversation-store.ts';
import { openConversations } from '../../src/site/dialects.ts';
import { configureSqlite } from '../helpers/configured-store.ts';

interface Opened {
  readonly memory: ConversationStore;
  run(words: string, flags?: Omit<ConversationsCall, 'words'>): Promise<string>;
}

async function openSite(t: ExecutionContext): Promise<Opened> {
  const { env, open } = await configureSqlite(t);
  const store = await open();
  return {
    memory: openConversations((namespace) => store.kv(namespace), { root: '/', messageLimitBytes: 0 })('b'),
    async run(words, flags) {
      const lines: string[] = [];
      const call = { words: words.split(' ').filter(Boolean), ...flags };
      t.is(await conversations(readConfig({ env }), (line) => lines.push(line), call), 0);
      return lines.join('\n');
    },
  };
}

test('conversations are listed, shown and deleted with all that belongs to them', async (t) => {
  const { memory, run } = await openSite(t);
  t.is(await run(''), 'no conversations');
  await memory.appendMessage({ conversationId: 'a', role: 'user', content: 'hi', userId: 'u' });
  await memory.appendMessage({ conversationId: 'b', role: 'assistant', content: { text: 'yo' } });
  await memory.updateConversation('b', { metadata: { title: 'T' } });
  await memory.state.set('k', 1);

  const listed = (await run('list')).split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
  t.is(listed[0], 'id messages last message metadata');
  t.regex(listed[1] ?? '', /^b 1 \d{4}-\S+Z \{"title":"T"\}$/);
  t.regex(listed[2] ?? '', /^a 1 /);
  t.regex(await run('list', { limit: '1' }), /\nand more: --limit=10 shows them$/);
  t.like(JSON.parse(await run('', { json: true, user: 'u' })), {
    conversations: [{ conversationId: 'a', messageCount: 1 }],
    more: false,
  });
  t.regex(await run('show b'), /^\d{4}-\S+Z assistant: \{"text":"yo"\}$/);
  t.like(JSON.parse(await run('show a', { json: true })), { conversationId: 'a', messages: [{ content: 'hi' }] });
  t.is(await run('delete a b'), 'deleted 2');
  t.is(await memory.state.get('k'), null);
  t.is(await run('list'), 'no conversations');
});

for (const [words, call, message] of [
  ['show none', {}, 'there is no conversation "none"'],
  ['delete none', {}, 'there is no conversation "none"'],
  ['show', {}, 'say nexthop conversations show ID'],
  ['show a', { limit: '3' }, '--limit is not for nexthop conversations show'],
  ['list', { limit: '0' }, /^--limit is a number/],
  ['lst', {}, /^nexthop conversations has the verbs list, show, delete, got "lst"/],
] as const) {
  test(`"conversations ${words}" with ${JSON.stringify(call)} is refused with the reason`, async (t) => {
    const { memory, run } = await openSite(t);
    await memory.getMessages({ conversationId: 'a' });
    const error = await t.throwsAsync(run(words, call), { message });
    t.true(error instanceof UserError || error instanceof UsageError);
  });
}
