import test from 'ava';
import {
  ABSENT_IN_FUNCTIONS,
  absentInAgents,
  findAbsentUses,
} from '../../../../src/dialects/edgeone/functions/absent-uses.ts';

const ALONE = 'which agents alone have';
const AGENT = 'which does not exist here: context.agent has conversation_id and store';

for (const [code, ...expected] of [
  ['export const onRequest = (context) => context.agent.memory;', `1 reads context.agent.memory, ${AGENT}`],
  ['export const onRequest = (ctx) => ctx?.agent?.memory;', `1 reads context.agent.memory, ${AGENT}`],
  ['const { agent } = context;\nagent.tools();', `2 reads context.agent.tools, ${AGENT}`],
  ['const { env, agent: own } = context;\nawait own.run();', `2 reads context.agent.run, ${AGENT}`],
  ['const own = context.agent;\nown.stores.get();', `2 reads context.agent.stores, ${AGENT}; did you mean store?`],
  ['const { memory } = context.agent;', `1 reads context.agent.memory, ${AGENT}`],
  ['const {\n  agent: { memory },\n} = context;', `2 reads context.agent.memory, ${AGENT}`],
  ['export async function onRequest({ agent: { run } }) {}', `1 reads context.agent.run, ${AGENT}`],
  ['export const onRequestGet = async ({ agent }) => agent.run();', `1 reads context.agent.run, ${AGENT}`],
  ['export const onRequestGet: Handler = ({ agent }: Context) => agent.run();', `1 reads context.agent.run, ${AGENT}`],
  ['export function onRequest({ params, sandbox }) {}', `1 reads context.sandbox, ${ALONE}`],
  [
    'export function onRequest(context) {\n  context.store.appendMessage();\n}',
    `2 reads context.store, ${ALONE}; did you mean context.agent.store?`,
  ],
  [
    'export const onRequest = (context) => context.agent?.store.set("a", 1);',
    '1 reads context.agent.store.set, which does not exist: context.agent.store.state.set is for values of the conversation',
  ],
  ['// context.agent.memory\n/*\n * context.agent.memory\n */'],
  ['const { agent } = context;\nagent.store.getMessages({ conversationId: agent.conversation_id });'],
  ['const { agent } = other;\nagent.run();'],
  ['export const help = (context) => context.store;'],
  ['app.get("/", (c) => c.store.get(c.tools));'],
  ['export const onRequest = ({ request, env, params, geo, uuid, clientIp, server, waitUntil, ...rest }) => 1;'],
] as const) {
  test(`in a function: ${JSON.stringify(code)} is ${expected.length > 0 ? 'reported' : 'right'}`, (t) => {
    t.deepEqual(reportsOf(code, ABSENT_IN_FUNCTIONS), expected);
  });
}

const SANDBOX =
  'reads context.sandbox, which is null here: nexthop has no sandbox for commands, files and code; AGENT_TOOLS may name one of yours';
const TOOLS =
  'reads context.tools, whose lists are empty here: nexthop offers no commands, files, browser, code or search to models';

for (const [code, ...expected] of [
  ['export const onRequest = ({ sandbox, tools: own }) => own;', `1 ${SANDBOX}`, `1 ${TOOLS}`],
  ['const {\n  agents,\n} = context;', '2 reads context.agents, which is undefined here'],
  ['context.tools.all();\ncontext.tools.get("x");', `1 ${TOOLS}`],
  [
    'export const onRequest = (context) => context.conversationId;',
    '1 reads context.conversationId, which does not exist; did you mean conversation_id?',
  ],
  [
    'export const onRequest = (context) => context.store.get("a");',
    '1 reads context.store.get, which does not exist: context.store.state.get is for values of the conversation, context.kv.get of the agent',
  ],
  [
    'export const onRequest = (context) => context.store?.getMessage({});',
    '1 reads context.store.getMessage, which does not exist; did you mean getMessages?',
  ],
  ['export const onRequest = ({ kv }, context) => context.store.state.get(kv.get(context.store.toOpenAIInput([])));'],
  ['export const load = (context) => context.store.get("a");'],
  ['run(context.browser.page);'],
  ['export const onRequest = ({ request, env, store, run_id, utils, tracer, kv, eo }) => 1;'],
] as const) {
  test(`in an agent: ${JSON.stringify(code)} is ${expected.length > 0 ? 'reported' : 'right'}`, (t) => {
    t.deepEqual(reportsOf(code, absentInAgents(false)), expected);
  });
}

test('tools and sandbox of the site are not reported', (t) => {
  t.deepEqual(reportsOf('export const onRequest = ({ tools, sandbox }) => tools;', absentInAgents(true)), []);
});

function reportsOf(code: string, absent: Parameters<typeof findAbsentUses>[2]): readonly string[] {
  return findAbsentUses('/site', new Map([['/site/a.js', code]]), absent).map(
    ({ line, message }) => `${line} ${message}`,
  );
}
