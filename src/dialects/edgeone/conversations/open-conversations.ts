import type { Kv } from '../../../contract/store.ts';
import { ClaudeSessions } from './claude-sessions.ts';
import { ConversationStore } from './conversation-store.ts';
import { Entries } from './entries.ts';
import { Langgraph } from './langgraph.ts';
import { Records } from './records.ts';
import { Sequence } from './sequence.ts';

export interface ConversationsOptions {
  /** Of the site, for packages that it has installed. */
  readonly root: string;
  /** Of one message; 0: no limit. */
  readonly messageLimitBytes: number;
}

/** Opens the store of conversations for one request. `conversation`: '' without one. `runId`: of an agent. */
export type OpenConversations = (conversation: string, runId?: string) => ConversationStore;

/** The conversations of a site, in the namespace `edgeone/conversations` of its store. */
export function openConversations(
  kv: (namespace: string) => Kv,
  { root, messageLimitBytes }: ConversationsOptions,
): OpenConversations {
  const entries = new Entries(kv('edgeone/conversations'));
  const sequence = new Sequence();
  const records = new Records(entries, sequence);
  const claudeSessions = new ClaudeSessions(entries, sequence);
  const langgraph = new Langgraph(root, entries);
  return (conversation, runId) =>
    new ConversationStore({
      records,
      entries,
      claudeSessions,
      conversation,
      messageLimitBytes,
      ...(runId !== undefined && { run: { id: runId, langgraph } }),
    });
}
