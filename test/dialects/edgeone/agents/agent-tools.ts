import test from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';
import { untilResult } from '../../../helpers/until-result.ts';

const AGENT = `export const onRequest = async ({ tools, sandbox }) => ({
  all: tools.all().map(({ name }) => name),
  got: [await tools.get('search')?.execute({ q: 1 }), tools.get('commands') === undefined],
  named: await tools.search?.execute({ q: 2 }),
  absent: await tools.commands.execute({}),
  files: tools.files().length,
  chosen: tools.toLangChainTools(() => 0, ['files_read']).map(({ name }) => name),
  mcp: tools.toClaudeMcpServer('own').allowedTools,
  sandbox,
});`;

async function ask(url: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(`${url}/chat`, { method: 'POST' });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('the module of AGENT_TOOLS gives agents its tools and its sandbox', async (t) => {
  const site = await siteFolder(t, {
    'agents/chat.ts': `${AGENT} // context.tools context.sandbox`,
    'agents/_tools.ts': `export default async (context: { run_id: string }) => ({
      tools: [{ name: 'search', execute: async (input: object) => ({ input, run: typeof context.run_id }) }, { name: 'files_read' }],
      sandbox: { id: 's' },
    });`,
  });
  const { url, edge } = await startEdge(t, { site, env: { AGENT_TOOLS: 'agents/_tools.ts' } });

  const { body } = await ask(url);

  t.like(body, {
    all: ['search', 'files_read'],
    got: [{ input: { q: 1 }, run: 'string' }, true],
    named: { input: { q: 2 }, run: 'string' },
    absent: { isError: true, error: { tool: 'commands', type: 'SandboxNotAvailableError' } },
    files: 1,
    chosen: ['files_read'],
    mcp: ['mcp__own__search', 'mcp__own__files_read'],
    sandbox: { id: 's' },
  });
  t.deepEqual(edge.site.problems, []);
});

test('an object with all() is context.tools itself', async (t) => {
  const site = await siteFolder(t, {
    'agents/chat.ts':
      'export const onRequest = ({ tools, sandbox }) => ({ all: tools.all(), keys: Object.keys(tools), sandbox });',
    'tools.js': 'export default () => ({ tools: { all: () => [7] } });',
  });
  const { url } = await startEdge(t, { site, env: { AGENT_TOOLS: 'tools.js' } });

  t.deepEqual((await ask(url)).body, { all: [7], keys: ['all'], sandbox: null });
});

for (const [what, files, problem] of [
  ['that is not there', {}, /^AGENT_TOOLS must be a module of the site, got "tools.js"; agents answer 500$/],
  ['that throws', { 'tools.js': 'throw new Error("mine");' }, /mine/],
  ['without a function', { 'tools.js': 'export default {};' }, /^must export a function/],
  ['that gives a wrong list', { 'tools.js': 'export default () => ({ tools: [{}] });' }, undefined],
] as const) {
  test(`a module ${what} makes agents answer 500, and cloud functions run`, async (t) => {
    const site = await siteFolder(t, {
      'agents/chat.ts': AGENT,
      'cloud-functions/a.js': 'export const onRequest = () => 1;',
      ...files,
    });
    const { url, edge, errorLines } = await startEdge(t, { site, env: { AGENT_TOOLS: 'tools.js' } });

    const { status, body } = await ask(url);

    t.is(status, 500);
    t.is(body.code, 'AGENT_RUN_ERROR');
    t.is((await fetch(`${url}/a`)).status, 200);
    const reported = edge.site.problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    t.is(reported.length, problem ? 1 : 0, reported.join('\n'));
    if (problem) t.regex(reported[0] ?? '', problem);
    else await untilResult(errorLines, (lines) => JSON.stringify(lines).includes('tools.js must return'));
  });
}
