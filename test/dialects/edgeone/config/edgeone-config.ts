import test, { type ExecutionContext } from 'ava';
import { type EdgeOneJsonReading, readEdgeOneJson } from '../../../../src/dialects/edgeone/config/edgeone-json.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

async function read(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<EdgeOneJsonReading> {
  return readEdgeOneJson(await siteFolder(t, files));
}

function toLines({ problems }: EdgeOneJsonReading): readonly string[] {
  return problems.map(({ severity, file, line, message }) => `${severity} ${file}:${line} ${message}`);
}

test('edgeone.config.ts has the settings of edgeone.json, with defineConfig of the platform', async (t) => {
  const site = await siteFolder(t, {
    'edgeone.config.ts': `import { defineConfig, validateConfig, type Config } from '@edgeone/types/config';
      import { target } from './settings';
      console.log('printed');
      const config = { redirects: [{ source: '/old', destination: target, statusCode: 301 as const }] };
      export default defineConfig(validateConfig(config).data);`,
    'settings.ts': `export const target: string = '/new';`,
  });
  const { url, edge } = await startEdge(t, { site });

  const response = await fetch(`${url}/old`, { redirect: 'manual' });

  t.deepEqual([response.status, response.headers.get('location')], [301, '/new']);
  t.deepEqual(edge.site.problems, []);
});

test('a mistake in edgeone.config.js is reported with the line of its key', async (t) => {
  const reading = await read(t, {
    'edgeone.config.js':
      'export default {\n  redirects: [],\n  tralingSlash: true,\n  schedules: [\n    { path: "/a", cron: "often" },\n  ],\n};',
  });

  t.deepEqual(
    toLines(reading).map((line) => line.replace(/ (?:is no key|must be).*/, '')),
    ['warning edgeone.config.js:3 tralingSlash', 'error edgeone.config.js:5 schedules[0].cron'],
  );
});

for (const [what, text, expected] of [
  [
    'a function',
    'export default {\n  trailingSlash: true,\n  headers: () => [],\n};',
    'error edgeone.config.ts:3 headers must be plain data, got a function; the file is not used',
  ],
  [
    'an object of a class',
    'export default {\n  redirects: [{\n    source: new URL("http://a/") }],\n};',
    'error edgeone.config.ts:3 redirects[0].source must be plain data, got a URL; the file is not used',
  ],
  [
    'no default export',
    'export const config = {};',
    'error edgeone.config.ts:1 its default export must be plain data, got nothing; the file is not used',
  ],
  [
    'a throw',
    'throw new Error("mine");',
    'error edgeone.config.ts:undefined cannot be evaluated: mine; the file is not used',
  ],
  [
    'a syntax error',
    'export default {\n  headers: [,;\n};',
    /^error edgeone\.config\.ts:2 cannot be evaluated: Unexpected ";"; the file is not used$/,
  ],
  [
    'an exit',
    'process.exit(3); export default {};',
    'error edgeone.config.ts:undefined cannot be evaluated: it gave no value within 5 s; the file is not used',
  ],
] as const) {
  test(`an edgeone.config.ts with ${what} is an error, and closes agents`, async (t) => {
    const reading = await read(t, { 'edgeone.config.ts': text });

    const [line = '', ...more] = toLines(reading);
    if (typeof expected === 'string') t.is(line, expected);
    else t.regex(line, expected);
    t.deepEqual(more, []);
    t.is(reading.json.agents.auth, 'closed');
  });
}

test('agents are closed if edgeone.config.ts, which may guard them, is not used', async (t) => {
  const reading = await read(t, {
    'edgeone.json': '{ "agents": { "timeout": 5 } }',
    'edgeone.config.ts': 'export default {\n  agents: { auth: { type: "jwt" } },\n};',
  });

  t.is(reading.json.agents.auth, 'closed');
  t.deepEqual(toLines(reading), [
    'error edgeone.config.ts:2 is not used: the settings are those of edgeone.json; it names auth, and edgeone.json has no agents.auth, so the routes of agents answer 503',
  ]);
});

test('edgeone.json takes precedence over edgeone.config.ts, which is reported and not run', async (t) => {
  const reading = await read(t, {
    'edgeone.json': '{ "trailingSlash": true }',
    'edgeone.config.ts': 'throw new Error("run");',
  });

  t.true(reading.json.trailingSlash);
  t.deepEqual(toLines(reading), [
    'warning edgeone.config.ts:undefined is not used: the settings are those of edgeone.json',
  ]);
});
