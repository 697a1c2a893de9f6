import type { Fields } from './arguments.ts';
import type { StoredMessage } from './records.ts';

/** The largest page of messages. */
const PAGE = 100;

/**
 * The `Session` of `@openai/agents`: its items are messages of a conversation. `getItems` gives the
 * last ones, so that a long talk keeps its present.
 */
export class OpenAiSession {
  readonly #store: SessionStore;
  readonly #conversationId: string;
  readonly #maxItems: number;

  constructor(store: SessionStore, conversationId: string, maxItems: number) {
    this.#store = store;
    this.#conversationId = conversationId;
    this.#maxItems = maxItems;
  }

  async getSessionId(): Promise<string> {
    return this.#conversationId;
  }

  /** Oldest first. */
  async getItems(limit = this.#maxItems): Promise<unknown[]> {
    const items: unknown[] = [];
    let before: string | undefined;
    while (items.length < limit) {
      const page = await this.#store.getMessages({
        conversationId: this.#conversationId,
        limit: PAGE,
        order: 'desc',
        ...(before !== undefined && { before }),
      });
      items.push(...page.filter(({ metadata }) => metadata?.agent_sdk_session === true).map(({ content }) => content));
      before = page.at(-1)?.messageId;
      if (page.length < PAGE) break;
    }
    return items.slice(0, limit).reverse();
  }

  async addItems(items: readonly unknown[]): Promise<void> {
    for (const content of items) {
      await this.#store.appendMessage({
        conversationId: this.#conversationId,
        role: roleOf(content),
        content,
        metadata: { agent_sdk_session: true },
      });
    }
  }

  async popItem(): Promise<unknown> {
    const conversationId = this.#conversationId;
    const page = await this.#store.getMessages({ conversationId, limit: PAGE, order: 'desc' });
    const last = page.find(({ metadata }) => metadata?.agent_sdk_session === true);
    if (!last) return undefined;
    await this.#store.deleteMessage({ conversationId, messageId: last.messageId });
    return last.content;
  }

  async clearSession(): Promise<void> {
    while ((await this.popItem()) !== undefined);
  }
}

/** Methods of the conversation store. */
interface SessionStore {
  getMessages(given: object): Promise<readonly StoredMessage[]>;
  appendMessage(given: object): Promise<string>;
  deleteMessage(given: object): Promise<void>;
}

/** An item without a role is a call of a tool, or its result. */
function roleOf(item: unknown): string {
  const role = typeof item === 'object' && item !== null ? (item as Fields).role : undefined;
  return role === 'user' || role === 'assistant' || role === 'system' ? role : 'tool';
}
