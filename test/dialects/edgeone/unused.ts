import test from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';
import { startEdge } from '../../helpers/edge.ts';
import { runNexthop } from '../../helpers/process.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

const HANDLER = 'export const onRequest = () => 1;';

test('functions and agents in other languages are reported with their files', async (t) => {
  const { reading, url } = await serveDialect(t, edgeone, {
    'requirements.txt': 'flask',
    'agents/chat/index.ts': HANDLER,
    'agents/stop.ts': HANDLER,
    'agents/_shared/x.ts': '',
    'agents/plan.py': '',
    'cloud-functions/api/index.py': '',
    'cloud-functions/api/go.go': '',
    'cloud-functions/a.js': HANDLER,
  });

  const lines = reading.problems.map(({ severity, file, message }) => `${severity} ${file} ${message}`);
  t.is(lines.length, 2, lines.join('\n'));
  t.deepEqual([(await fetch(`${url}/api`)).status, (await fetch(`${url}/a`)).status], [421, 200]);
  t.regex(
    lines[0] ?? '',
    /^warning cloud-functions\/api\/index\.py is in Python.*: cloud-functions\/api\/index\.py, agents\/plan\.py$/,
  );
  t.regex(lines[1] ?? '', /^warning cloud-functions\/api\/go\.go is in Go, .* next hop$/);
  t.deepEqual([...new Set(reading.routes.map(({ file, step }) => `${step} ${file}`))].toSorted(), [
    '1 edgeone.json',
    '4 agents/chat/index.ts',
    '4 agents/stop.ts',
    '4 cloud-functions/a.js',
  ]);
});

test('folders without code and without handlers are not reported', async (t) => {
  const { reading } = await serveDialect(t, edgeone, {
    'functions/worker.js': 'exports.handler = () => 1;',
    'agents/README.md': '',
    'edge-functions/.gitkeep': '',
  });

  t.deepEqual(reading.problems, []);
});

for (const [how, json] of Object.entries({
  'with an agents.auth of an unknown type': '{ "agents": { "auth": { "type": "basic" } } }',
  'with an agents.auth without a valid key': '{ "agents": { "auth": { "type": "jwt", "verificationKeys": ["PEM"] } } }',
  'with an agents.auth that needs a shared secret':
    '{ "agents": { "auth": { "type": "jwt", "algorithm": "HS256", "verificationKeys": ["x"] } } }',
  'with an edgeone.json that cannot be read': '{ "agents": {',
  'with a misspelt agents.auth': '{ "agents": { "atuh": { "type": "jwt" } } }',
  'with an agents.auth below a misspelt key': '{ "agent": { "auth": { "verificationKeys": ["PEM"] } } }',
  'with an agents.auth outside of agents': '{ "auth": { "type": "jwt", "verificationKeys": ["PEM"] } }',
  'with an agents.auth in a list': '{ "agents": [{ "auth": { "verificationKeys": ["PEM"] } }] }',
})) {
  test(`the agents of a site ${how} answer 503, and its functions run`, async (t) => {
    const { url, reading } = await serveDialect(t, edgeone, {
      'edgeone.json': json,
      'agents/chat/index.ts': HANDLER,
      'agents/_lib/tools.ts': HANDLER,
      'cloud-functions/a.js': 'export const onRequest = () => 1;',
    });

    const statuses = await Promise.all(
      ['/chat', '/_lib/tools', '/a'].map((path) => fetch(url + path, { method: 'POST' }).then(({ status }) => status)),
    );

    t.deepEqual(statuses, [503, 421, 200]);
    t.true(reading.problems.some(({ severity, file }) => severity === 'error' && file === 'edgeone.json'));
  });
}

test('the start, routes and build report unused code', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': 'export const onRequest = () => 1;',
    'cloud-functions/x.py': '',
    'edgeone.json': '{\n"agents": { "auth": { "type": "jwt" } } }',
  });
  const expected = [
    /edgeone\.json:2:\d+ (?:error: )?agents\.auth\.verificationKeys must be a list .*; the routes of agents answer 503/,
    /cloud-functions\/x\.py (?:warning: )?is in Python/,
  ];

  const { edge } = await startEdge(t, { site });
  const reported = edge.site.problems
    .map(({ file, line, column, message }) => [[file, line, column].filter(Boolean).join(':'), message].join(' '))
    .join('\n');

  for (const each of expected) t.regex(reported, each);
  for (const command of ['routes', 'build']) {
    const run = await runNexthop(t, { args: [command, site] });
    t.is(await run.exited, 1, run.output());
    for (const each of expected) t.regex(run.output(), each, command);
  }
});
