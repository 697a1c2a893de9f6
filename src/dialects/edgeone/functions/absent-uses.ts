import { relative } from 'node:path';
import { nearestWord } from '../../../contract/nearest-word.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { ConversationStore } from '../conversations/conversation-store.ts';
import { CONTEXT, findParameters, findReads, findVariables, type MemberRead, withoutComments } from './member-reads.ts';

/** What code for the platform reads, and nexthop does not have. */
export interface Absent {
  /** The message about a read, as the rest of a sentence about the file; undefined if it is right. `isSure`: the object is the argument of a handler. */
  ofContext(name: string, isSure: boolean): string | undefined;
  /** The same for a member of `context.agent`. */
  ofAgent?(name: string): string | undefined;
  /** Where the context has the store. */
  readonly store: 'store' | 'agent.store';
}

const OF_AGENT = ['conversation_id', 'store'];

/** What only agents have, and functions have below `context.agent` or not at all. */
const OF_AGENTS: ReadonlySet<string> = new Set([
  'store',
  'conversation_id',
  'run_id',
  'tools',
  'sandbox',
  'utils',
  'agents',
]);

/** In cloud functions. */
export const ABSENT_IN_FUNCTIONS: Absent = {
  store: 'agent.store',
  ofContext(name, isSure) {
    if (!isSure || !OF_AGENTS.has(name)) return undefined;
    const instead = OF_AGENT.includes(name) ? `; did you mean context.agent.${name}?` : '';
    return `reads context.${name}, which agents alone have${instead}`;
  },
  ofAgent(name) {
    if (OF_AGENT.includes(name)) return undefined;
    const nearest = nearestWord(name, OF_AGENT);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    return `reads context.agent.${name}, which does not exist here: context.agent has conversation_id and store${hint}`;
  },
};

/** In agents. `hasTools`: see AGENT_TOOLS. */
export function absentInAgents(hasTools: boolean): Absent {
  return {
    store: 'store',
    ofContext(name, isSure) {
      if (name === 'agents') return 'reads context.agents, which is undefined here';
      if (!hasTools && name in TOOLS) return TOOLS[name];
      const nearest = isSure && !MEMBERS.includes(name) ? nearestWord(name, MEMBERS) : undefined;
      return nearest && `reads context.${name}, which does not exist; did you mean ${nearest}?`;
    },
  };
}

/** The members of the argument of an agent. */
const MEMBERS: readonly string[] = [
  ...['request', 'env', 'conversation_id', 'run_id', 'runId', 'active_run_id', 'store', 'tools', 'sandbox', 'utils'],
  ...['tracer', 'kv', 'eo', 'params', 'clientIp', 'geo', 'uuid', 'server', 'waitUntil'],
];

/** Unless the site has tools of its own. */
const TOOLS: Readonly<Record<string, string>> = {
  sandbox:
    'reads context.sandbox, which is null here: nexthop has no sandbox for commands, files and code; AGENT_TOOLS may name one of yours',
  tools:
    'reads context.tools, whose lists are empty here: nexthop offers no commands, files, browser, code or search to models',
};

/** The members of the store. */
const OF_STORE: Readonly<Record<keyof ConversationStore, true>> = {
  appendMessage: true,
  claudeSessionBinding: true,
  claudeSessionStore: true,
  clearMessages: true,
  deleteConversation: true,
  deleteMessage: true,
  getConversation: true,
  getMessages: true,
  langgraphCheckpointer: true,
  langgraphStore: true,
  listConversations: true,
  openaiSession: true,
  state: true,
  toAnthropicMessages: true,
  toOpenAIInput: true,
  toOpenaiInput: true,
  updateConversation: true,
  updateMessage: true,
};

/** The message about a member of the store that code reads; undefined if there is one. */
function explainStoreRead(store: Absent['store'], name: string): string | undefined {
  if (Object.hasOwn(OF_STORE, name)) return undefined;
  const read = `reads context.${store}.${name}, which does not exist`;
  // Code that takes the store for a map of keys and values.
  if (/^(?:get|set|delete)$/.test(name)) {
    const ofAgent = store === 'store' ? `, context.kv.${name} of the agent` : '';
    return `${read}: context.${store}.state.${name} is for values of the conversation${ofAgent}`;
  }
  const nearest = nearestWord(name, Object.keys(OF_STORE));
  return nearest && `${read}; did you mean ${nearest}?`;
}

/** One warning for each file and message, with its first line. `texts`: by absolute path. */
export function findAbsentUses(root: string, texts: ReadonlyMap<string, string>, absent: Absent): readonly Problem[] {
  return [...texts].flatMap(([path, text]) => {
    const file = relative(root, path);
    return [...findUses(text, absent)]
      .toSorted(([, left], [, right]) => left - right)
      .map(([message, index]): Problem => {
        return { severity: 'warning', file, line: text.slice(0, index).split('\n').length, message };
      });
  });
}

const OF_LANGGRAPH = /\blanggraph(?:Checkpointer|Store)\b/;

/** One warning for each file that names a property of the store for LangGraph, which the code will not get. */
export function findLanggraphUses(
  root: string,
  texts: ReadonlyMap<string, string>,
  reason: string,
): readonly Problem[] {
  return [...texts].flatMap(([path, text]): readonly Problem[] => {
    const found = OF_LANGGRAPH.exec(withoutComments(text));
    if (!found) return [];
    const line = text.slice(0, found.index).split('\n').length;
    return [{ severity: 'warning', file: relative(root, path), line, message: `reads ${found[0]}, ${reason}` }];
  });
}

/** The position of the first read for each message. */
function findUses(text: string, { ofContext, ofAgent, store }: Absent): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const code = withoutComments(text);
  const add = (reads: readonly MemberRead[], explain: (name: string) => string | undefined): void => {
    for (const { name, index } of reads) {
      const message = explain(name);
      if (message !== undefined) found.set(message, Math.min(index, found.get(message) ?? index));
    }
  };
  const parameters = findParameters(code);
  const ofAny = findReads(code, CONTEXT);
  // Frameworks have a `ctx` and a `c` of their own, and modules without a handler may have any `context`.
  if (/\bonRequest/.test(code)) {
    add([...parameters, ...findReads(code, 'context')], (name) => ofContext(name, true));
    const path = `context.${store}`.replaceAll('.', '(?:\\?\\.|\\.)');
    add(findReads(code, path), (name) => explainStoreRead(store, name));
  }
  add(ofAny, (name) => ofContext(name, false));
  if (!ofAgent) return found;
  const reads = [...parameters, ...ofAny];
  const objects = [`${CONTEXT}(?:\\?\\.|\\.)agent`, ...findVariables(code, CONTEXT, reads, 'agent')];
  const inner = reads.flatMap((read) => (read.name === 'agent' ? (read.inner ?? []) : []));
  add([...inner, ...objects.flatMap((object) => findReads(code, object))], ofAgent);
  return found;
}
