import { randomUUID } from 'node:crypto';
import { cutPage, type Fields, invalid, ROLES, toFields, toId, toMetadata, toOptionalId, toPage } from './arguments.ts';
import { type ClaudeSessions, toSessionId } from './claude-sessions.ts';
import { ConversationState } from './conversation-state.ts';
import type { Entries } from './entries.ts';
import { removeThread } from './langgraph-checkpointer.ts';
import { MemoryError } from './memory-error.ts';
import { OpenAiSession } from './openai-session.ts';
import type { MessagePlace, Records, StoredConversation, StoredMessage } from './records.ts';

export interface Conversation extends Omit<StoredConversation, 'userId'> {
  readonly conversationId: string;
  readonly messageCount: number;
}

export interface StoreParts {
  readonly records: Records;
  readonly entries: Entries;
  readonly claudeSessions: ClaudeSessions;
  /** The conversation of the request; '' without one. */
  readonly conversation: string;
  /** Absent outside of a run of an agent. */
  readonly run?: RunParts | undefined;
  /** Of one message; 0: no limit. */
  readonly messageLimitBytes: number;
}

/** What only agents have. */
export interface RunParts {
  /** Added to the metadata of messages. */
  readonly id: string;
  /** Adapters of the site's package `@langchain/langgraph`. They throw if it is not installed. */
  readonly langgraph: { readonly checkpointer: object; readonly store: object };
}

/** The platform's limit of one conversation. */
const MOST_MESSAGES = 10_000;
/** A repeated `metadata.idempotency_key` is looked for in this many of the last messages. */
const REMEMBERED = 50;

/** `context.store` of agents, and `context.agent.store` of cloud functions: messages of conversations. */
export class ConversationStore {
  /** Values of the conversation of the request. */
  readonly state: ConversationState;
  readonly #parts: StoreParts;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.state = new ConversationState(parts.entries, parts.conversation, parts.messageLimitBytes);
  }

  /** Undefined outside of agents, as on the platform. */
  get langgraphCheckpointer(): object | undefined {
    return this.#parts.run?.langgraph.checkpointer;
  }

  /** Undefined outside of agents, as on the platform. */
  get langgraphStore(): object | undefined {
    return this.#parts.run?.langgraph.store;
  }

  /** The `SessionStore` of `@anthropic-ai/claude-agent-sdk`. */
  readonly claudeSessionStore = (): ClaudeSessions => this.#parts.claudeSessions;

  /** Resolves with the id of the Claude session of a conversation, a UUID. */
  readonly claudeSessionBinding = async (conversationId: unknown): Promise<string> =>
    toSessionId(toId('conversationId', conversationId));

  /** Resolves with the id of the message, once it is stored. Makes the conversation. */
  readonly appendMessage = async (given: unknown): Promise<string> => {
    const { conversationId, role, content, metadata, userId, messageId } = toFields(given);
    const id = toId('conversationId', conversationId);
    if (!ROLES.includes(role)) throw invalid(`role must be one of ${ROLES.join(', ')}, got ${JSON.stringify(role)}`);
    const own = toMetadata(metadata);
    const { records, run } = this.#parts;
    const places = await records.places(id);
    const before = await this.#findRepeated(places, toOptionalId('messageId', messageId), own?.idempotency_key);
    if (before !== undefined) return before;
    if (places.length >= MOST_MESSAGES) {
      throw new MemoryError('MemoryQuotaExceededError', `a conversation has at most ${MOST_MESSAGES} messages`);
    }
    const all = { ...own, ...(run && { run_id: run.id }) };
    const nowMs = Date.now();
    const message: StoredMessage = {
      messageId: toOptionalId('messageId', messageId) ?? randomUUID(),
      role: String(role),
      content: this.#toContent(content),
      createdAt: nowMs,
      ...(Object.keys(all).length > 0 && { metadata: all }),
    };
    await records.addMessage(id, message);
    const conversation = await records.conversation(id);
    const user = conversation?.userId ?? toOptionalId('userId', userId);
    await records.putConversation(id, {
      createdAt: nowMs,
      ...conversation,
      ...(user !== undefined && { userId: user }),
      lastMessageAt: nowMs,
    });
    return message.messageId;
  };

  /** The oldest first, unless `order` is "desc". Empty for an unknown conversation. */
  readonly getMessages = async (given: unknown): Promise<readonly StoredMessage[]> => {
    const fields = toFields(given);
    const page = toPage(fields, 'asc');
    const places = await this.#parts.records.places(toId('conversationId', fields.conversationId));
    return this.#read(cutPage(places, page, ({ messageId }) => messageId));
  };

  /** Resolves with the changed message. Metadata is merged. */
  readonly updateMessage = async (given: unknown): Promise<StoredMessage> => {
    const { conversationId, messageId, content, metadata } = toFields(given);
    const { place, message } = await this.#find(conversationId, messageId);
    const own = toMetadata(metadata);
    const changed: StoredMessage = {
      ...message,
      ...(content !== undefined && { content: this.#toContent(content) }),
      ...(own && { metadata: { ...message.metadata, ...own } }),
      updatedAt: Date.now(),
    };
    await this.#parts.records.putMessage(place, changed);
    return changed;
  };

  readonly deleteMessage = async (given: unknown): Promise<void> => {
    const { conversationId, messageId } = toFields(given);
    await this.#parts.records.remove((await this.#find(conversationId, messageId)).place);
  };

  /** The conversation stays. */
  readonly clearMessages = async (given: unknown): Promise<void> => {
    const id = toId('conversationId', toFields(given).conversationId);
    await this.#conversation(id);
    for (const place of await this.#parts.records.places(id)) await this.#parts.records.remove(place);
  };

  readonly getConversation = async (given: unknown): Promise<Conversation> => {
    const id = toConversationId(given);
    return this.#describe(id, await this.#conversation(id));
  };

  /** Takes an id and the changes, or one object with both: projects call it either way. Metadata is merged. */
  readonly updateConversation = async (given: unknown, changes: unknown = given): Promise<Conversation> => {
    const id = toConversationId(given);
    const own = toMetadata(toFields(changes).metadata);
    const before = await this.#conversation(id);
    const conversation = { ...before, ...(own && { metadata: { ...before.metadata, ...own } }) };
    await this.#parts.records.putConversation(id, conversation);
    return this.#describe(id, conversation);
  };

  /** By the time of the last message, the newest first unless `order` is "asc". */
  readonly listConversations = async (
    given: unknown = {},
  ): Promise<{ items: readonly Conversation[]; nextCursor?: string; previousCursor?: string }> => {
    const fields = toFields(given);
    const page = toPage(fields, 'desc');
    const userId = toOptionalId('userId', fields.userId);
    const { records } = this.#parts;
    const found = await Promise.all(
      (await records.conversationIds()).map(async (id) => ({ id, conversation: await records.conversation(id) })),
    );
    const ascending = found
      .flatMap(({ id, conversation }) => (conversation ? [{ id, conversation }] : []))
      .filter(({ conversation }) => userId === undefined || conversation.userId === userId)
      .toSorted(
        (left, right) =>
          left.conversation.lastMessageAt - right.conversation.lastMessageAt || (left.id < right.id ? -1 : 1),
      );
    // Pages go in the direction of the list: what follows an entry of a list from new to old is older.
    const { after, before, isDescending } = page;
    const turned = isDescending ? { ...page, after: before, before: after } : page;
    const chosen = cutPage(ascending, turned, ({ id }) => id);
    const [first, last] = [chosen[0]?.id, chosen.at(-1)?.id];
    const ends = isDescending ? [ascending.at(-1)?.id, ascending[0]?.id] : [ascending[0]?.id, ascending.at(-1)?.id];
    return {
      items: await Promise.all(
        chosen.map(async ({ id, conversation }) => ({ ...(await this.#describe(id, conversation)), id })),
      ),
      ...(last !== undefined && last !== ends[1] && { nextCursor: last }),
      ...(first !== undefined && first !== ends[0] && { previousCursor: first }),
    };
  };

  /**
   * Takes an id, or an object with one. Removes its state, checkpoints and Claude session, too; a
   * conversation may have only these.
   */
  readonly deleteConversation = async (given: unknown): Promise<void> => {
    const id = toConversationId(given);
    const { records, entries, claudeSessions } = this.#parts;
    const removed =
      (await ConversationState.removeAll(entries, id)) +
      (await removeThread(entries, id)) +
      (await claudeSessions.removeEverywhere(toSessionId(id)));
    if (removed === 0) await this.#conversation(id);
    await records.removeConversation(id);
  };

  readonly toOpenAIInput = toRolesAndContent;
  readonly toOpenaiInput = toRolesAndContent;
  readonly toAnthropicMessages = toRolesAndContent;

  /** The `Session` of `@openai/agents` for a conversation. */
  readonly openaiSession = (conversationId: unknown, options: unknown = {}): OpenAiSession => {
    const { maxItems = 100 } = toFields(options);
    return new OpenAiSession(this, toId('conversationId', conversationId), Number(maxItems));
  };

  async #findRepeated(
    places: readonly MessagePlace[],
    messageId: string | undefined,
    key: unknown,
  ): Promise<string | undefined> {
    if (messageId !== undefined && places.some((place) => place.messageId === messageId)) return messageId;
    if (key === undefined) return undefined;
    const last = await this.#read(places.slice(-REMEMBERED));
    return last.find(({ metadata }) => metadata?.idempotency_key === key)?.messageId;
  }

  async #read(places: readonly MessagePlace[]): Promise<readonly StoredMessage[]> {
    const found = await Promise.all(places.map((place) => this.#parts.records.message(place)));
    // One may have been deleted since.
    return found.filter((message) => message !== undefined);
  }

  async #find(conversationId: unknown, messageId: unknown): Promise<{ place: MessagePlace; message: StoredMessage }> {
    const id = toId('messageId', messageId);
    const places = await this.#parts.records.places(toId('conversationId', conversationId));
    const place = places.find((each) => each.messageId === id);
    const message = place && (await this.#parts.records.message(place));
    if (!place || !message) throw new MemoryError('MemoryNotFoundError', `there is no message ${JSON.stringify(id)}`);
    return { place, message };
  }

  async #conversation(id: string): Promise<StoredConversation> {
    const found = await this.#parts.records.conversation(id);
    if (!found) throw new MemoryError('MemoryNotFoundError', `there is no conversation ${JSON.stringify(id)}`);
    return found;
  }

  async #describe(conversationId: string, { userId: _, ...facts }: StoredConversation): Promise<Conversation> {
    return { conversationId, ...facts, messageCount: (await this.#parts.records.places(conversationId)).length };
  }

  /** As it will be read again. */
  #toContent(content: unknown): unknown {
    const text = JSON.stringify(content);
    if (text === undefined) throw invalid(`content must be a JSON value, got ${typeof content}`);
    const { messageLimitBytes: limit } = this.#parts;
    if (limit > 0 && Buffer.byteLength(text) > limit) throw invalid(`content must have at most ${limit} bytes`);
    return JSON.parse(text);
  }
}

function toConversationId(given: unknown): string {
  const id = typeof given === 'object' && given !== null ? (given as Fields).conversationId : given;
  return toId('conversationId', id);
}

function toRolesAndContent(messages: readonly StoredMessage[]): readonly { role: string; content: unknown }[] {
  return messages.map(({ role, content }) => ({ role, content }));
}
