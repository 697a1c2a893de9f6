import type { Config } from '../config/config.ts';
import { Fault } from '../contract/fault.ts';
import { UserError } from '../contract/user-error.ts';
import { openConversations } from '../site/dialects.ts';
import { align, inOneLine } from './align.ts';
import { defineCommand, type Out } from './command.ts';
import { UsageError } from './usage-error.ts';
import { explainNoStore, useStore } from './use-store.ts';
import { readVerb, type VerbForm } from './verbs.ts';

export const command = defineCommand({
  forms: ['conversations [list]', 'conversations show ID', 'conversations delete ID...'],
  about:
    'Lists the conversations of EdgeOne agents, the newest first, prints the messages of one, or deletes conversations with all that belongs to them; whether nexthop runs or not.',
  words: 'own',
  flags: {
    json: { about: 'print JSON' },
    user: { value: 'ID', about: 'list: only those of one user' },
    limit: { value: 'COUNT', about: 'list: at most this many; default: 50' },
  },
  examples: [
    ['nexthop conversations --limit=10', 'the ten conversations with the newest messages'],
    ['nexthop conversations show 7f3a --site=my-site', 'the messages of one'],
  ],
  exits: { 0: 'done', 1: 'there is no such conversation, or the store cannot be used' },
  run: ({ config, out, flags, words }) => conversations(config, out, { ...flags, words }),
});

/** The arguments of `nexthop conversations`. */
export interface ConversationsCall {
  /** The verb (`list` if there is none) and ids. */
  readonly words: readonly string[];
  readonly json?: boolean;
  readonly user?: string;
  readonly limit?: string;
}

const FORMS = {
  list: { flags: ['json', 'user', 'limit'], words: [0, 0], form: 'list' },
  show: { flags: ['json'], words: [1, 1], form: 'show ID' },
  delete: { flags: ['json'], words: [1, Number.POSITIVE_INFINITY], form: 'delete ID…' },
} as const satisfies Record<string, VerbForm>;

type Conversations = ReturnType<ReturnType<typeof openConversations>>;

/** The largest page of the store. */
const PAGE = 100;
const USUAL_LIMIT = 50;
const HIGHEST_LIMIT = 10_000;

/**
 * Shows or deletes conversations in the store of a site. Resolves with the exit code. Rejects with a
 * UserError if there is no such conversation or the store cannot be used, with a UsageError if the
 * arguments are invalid.
 */
export async function conversations(config: Config, out: Out, call: ConversationsCall): Promise<number> {
  const table = { command: 'conversations', verbs: FORMS, siteHint: 'another site is --site=PATH' };
  const { verb, words: ids, isCountRight, form } = readVerb<keyof typeof FORMS>(table, call);
  if (!isCountRight) throw new UsageError(`say nexthop conversations ${form}`);
  const limit = toLimit(call.limit);
  const noStore = explainNoStore(config);
  if (noStore !== undefined) throw new UserError(noStore);
  try {
    return await useStore(config, async (store) => {
      const open = openConversations((namespace) => store.kv(namespace), { root: config.site, messageLimitBytes: 0 });
      const memory = open('');
      if (verb === 'list') await list(memory, out, { ...call, limit });
      else if (verb === 'show') await show(memory, out, { id: ids[0] ?? '', json: call.json });
      else for (const id of ids) await memory.deleteConversation(id);
      if (verb === 'delete') out(call.json ? JSON.stringify({ deleted: ids.length }) : `deleted ${ids.length}`);
      return 0;
    });
  } catch (error) {
    throw explain(error);
  }
}

function toLimit(text = String(USUAL_LIMIT)): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= HIGHEST_LIMIT) return Number(text);
  throw new UsageError(`--limit is a number from 1 to ${HIGHEST_LIMIT}, got ${JSON.stringify(text)}`);
}

interface ListCall extends Omit<ConversationsCall, 'limit'> {
  readonly limit: number;
}

async function list(memory: Conversations, out: Out, { json, user, limit }: ListCall): Promise<void> {
  const found: Awaited<ReturnType<Conversations['listConversations']>>['items'][number][] = [];
  let after: string | undefined;
  do {
    const page = await memory.listConversations({
      limit: Math.min(PAGE, limit - found.length),
      ...(user !== undefined && { userId: user }),
      ...(after !== undefined && { after }),
    });
    found.push(...page.items);
    after = page.nextCursor;
  } while (after !== undefined && found.length < limit);
  if (json) {
    out(JSON.stringify({ conversations: found, more: after !== undefined }, undefined, 2));
    return;
  }
  const rows = found.map(({ conversationId, messageCount, lastMessageAt, metadata }) => [
    conversationId,
    String(messageCount),
    toTime(lastMessageAt),
    metadata === undefined ? '' : JSON.stringify(metadata),
  ]);
  if (rows.length === 0) out('no conversations');
  else for (const line of align([['id', 'messages', 'last message', 'metadata'], ...rows])) out(line);
  if (after !== undefined) out(`and more: --limit=${Math.min(limit * 10, HIGHEST_LIMIT)} shows them`);
}

async function show(memory: Conversations, out: Out, { id, json }: { id: string; json: boolean | undefined }) {
  const conversation = await memory.getConversation(id);
  const messages: Awaited<ReturnType<Conversations['getMessages']>>[number][] = [];
  for (;;) {
    const after = messages.at(-1)?.messageId;
    const page = await memory.getMessages({ conversationId: id, limit: PAGE, ...(after !== undefined && { after }) });
    messages.push(...page);
    if (page.length < PAGE) break;
  }
  if (json) {
    out(JSON.stringify({ ...conversation, messages }, undefined, 2));
    return;
  }
  for (const { createdAt, role, content } of messages) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    out(`${toTime(createdAt)} ${role}: ${inOneLine(text)}`);
  }
}

function toTime(ms: number): string {
  return new Date(ms).toISOString();
}

function explain(error: unknown): unknown {
  if (error instanceof Error && error.name.startsWith('Memory')) {
    const { cause } = error;
    const reason = cause instanceof Fault ? `: ${cause.message}` : '';
    return new UserError(error.message + reason, { cause: error });
  }
  return error;
}
