import test from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';

/** The problems of these files, as `file:line:column severity message`. */
async function problemsOf(
  t: Parameters<typeof serveDialect>[0],
  files: Readonly<Record<string, string>>,
): Promise<string[]> {
  const { reading } = await serveDialect(t, edgeone, files);
  return reading.problems.map(({ file, line, column, severity, message }) =>
    [file, line, column]
      .filter((part) => part !== undefined)
      .join(':')
      .concat(` ${severity} ${message}`),
  );
}

const NO_HANDLER = 'is not a handler of EdgeOne and is never called';

for (const [title, text, expected] of [
  [
    'in a file with a handler',
    'export const onRequest = () => {};\n\nexport const onRequestGte = () => {};',
    `3:14 error onRequestGte ${NO_HANDLER}; did you mean onRequestGet?`,
  ],
  [
    'as the only export',
    'export function onRequestPots() {}',
    `1:17 error onRequestPots ${NO_HANDLER}; did you mean onRequestPost?`,
  ],
  [
    'in lower case',
    'export const onrequest = () => {};',
    `1:14 error onrequest ${NO_HANDLER}; did you mean onRequest?`,
  ],
  [
    'in CommonJS',
    '"use strict";\nexports.onReqeust = () => {};',
    `2:9 error onReqeust ${NO_HANDLER}; did you mean onRequest?`,
  ],
  [
    'as a default export',
    'export default function onRequets() {}',
    `1:25 error onRequets ${NO_HANDLER}; did you mean onRequest?`,
  ],
  [
    'in an export list',
    'const a = () => {};\nexport { a as onRequestGets };',
    `2:15 error onRequestGets ${NO_HANDLER}; did you mean onRequestGet?`,
  ],
] as const) {
  test(`an export whose name is similar to a handler is reported with its location: ${title}`, async (t) => {
    t.deepEqual(await problemsOf(t, { 'cloud-functions/a.js': text }), [`cloud-functions/a.js:${expected}`]);
  });
}

test('other exports of functions and helpers are not reported', async (t) => {
  const names = [
    'onRequestHelper',
    'toRequest',
    'isRequest',
    'request',
    'onRequestError',
    'onReady',
    'config',
    'onResponse',
  ];
  const text = names.map((name) => `export const ${name} = () => {};`).join('\n');

  t.deepEqual(await problemsOf(t, { 'cloud-functions/a.js': `${text}\nexport const onRequest = () => {};` }), []);
  t.deepEqual(await problemsOf(t, { 'cloud-functions/lib/helper.js': text }), []);
});

test('a middleware with a misspelt name is reported', async (t) => {
  t.deepEqual(await problemsOf(t, { 'middleware.js': '// middle\nexport function midleware() {}' }), [
    'middleware.js:2:17 error exports no function named middleware; every request is answered 500 (midleware is not used; did you mean middleware?)',
  ]);
});

test('a misspelt setting of the middleware is reported', async (t) => {
  const text = 'export const middleware = ({ next }) => next();\nexport const config = { macher: ["/a"] };';

  t.deepEqual(await problemsOf(t, { 'middleware.js': text }), [
    'middleware.js:2:25 warning macher is not used; did you mean matcher?',
  ]);
});

test('a list of rules below a misspelt key of edgeone.json is an error, and each mistake is one line', async (t) => {
  const text = `{
    "schedule": [{ "cron": "* * * * *", "path": "/a" }],
    "agents": { "athu": { "type": "jwt", "verificationKeys": [] } }
  }`;

  t.deepEqual(await problemsOf(t, { 'edgeone.json': text }), [
    'edgeone.json:2:17 error schedule is no key of edgeone.json and is not used; did you mean schedules?',
    'edgeone.json:3:25 error agents.athu is not used, and may be meant as agents.auth; the routes of agents answer 503',
  ]);
});

test('unknown keys of edgeone.json are reported with the most similar known key', async (t) => {
  const text = `{
    "redirect": [],
    "nonsense": 1,
    "cloudFunctions": { "nodjs": {} },
    "headers": [{ "source": "/a", "headers": [{ "key": "X-A", "value": "1", "vlaue": "2" }] }]
  }`;

  t.deepEqual(await problemsOf(t, { 'edgeone.json': text }), [
    'edgeone.json:2:17 warning redirect is no key of edgeone.json and is not used; did you mean redirects?',
    'edgeone.json:3:17 warning nonsense is no key of edgeone.json and is not used',
    'edgeone.json:5:86 warning headers[0].headers[0].vlaue is not used; known keys are key, value; did you mean value?',
    'edgeone.json:4:34 warning cloudFunctions.nodjs is not used; known keys are nodejs, python, go, maxDuration, mainlandRegions, overseasRegions; did you mean nodejs?',
  ]);
});
