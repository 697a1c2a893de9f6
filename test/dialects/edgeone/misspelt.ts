import test from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';

/** What is told of the files, `file:line:column severity message`. */
async function told(t: Parameters<typeof serveDialect>[0], files: Readonly<Record<string, string>>): Promise<string[]> {
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
    'beside a handler',
    'export const onRequest = () => {};\n\nexport const onRequestGte = () => {};',
    `3:14 warning onRequestGte ${NO_HANDLER}; did you mean onRequestGet?`,
  ],
  [
    'alone in its file',
    'export function onRequestPots() {}',
    `1:17 warning onRequestPots ${NO_HANDLER}; did you mean onRequestPost?`,
  ],
  [
    'in another case',
    'export const onrequest = () => {};',
    `1:14 warning onrequest ${NO_HANDLER}; did you mean onRequest?`,
  ],
  [
    'in CommonJS',
    '"use strict";\nexports.onReqeust = () => {};',
    `2:9 warning onReqeust ${NO_HANDLER}; did you mean onRequest?`,
  ],
  [
    'by default',
    'export default function onRequets() {}',
    `1:25 warning onRequets ${NO_HANDLER}; did you mean onRequest?`,
  ],
  [
    'in a list',
    'const a = () => {};\nexport { a as onRequestGets };',
    `2:15 warning onRequestGets ${NO_HANDLER}; did you mean onRequestGet?`,
  ],
] as const) {
  test(`an export that is near to a handler is told with its place: ${title}`, async (t) => {
    t.deepEqual(await told(t, { 'cloud-functions/a.js': text }), [`cloud-functions/a.js:${expected}`]);
  });
}

test('other exports of functions and helpers are not told', async (t) => {
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

  t.deepEqual(await told(t, { 'cloud-functions/a.js': `${text}\nexport const onRequest = () => {};` }), []);
  t.deepEqual(await told(t, { 'cloud-functions/lib/helper.js': text }), []);
});

test('a middleware under a near name is told, because nothing is guarded', async (t) => {
  t.deepEqual(await told(t, { 'middleware.js': '// middle\nexport function midleware() {}' }), [
    'middleware.js:2:17 warning midleware is not used; did you mean middleware?',
  ]);
});

test('a setting of the middleware under a near name is told', async (t) => {
  const text = 'export const middleware = ({ next }) => next();\nexport const config = { macher: ["/a"] };';

  t.deepEqual(await told(t, { 'middleware.js': text }), [
    'middleware.js:2:25 warning macher is not used; did you mean matcher?',
  ]);
});

test('unknown keys of edgeone.json are told with the nearest known one', async (t) => {
  const text = `{
    "redirect": [],
    "nonsense": 1,
    "cloudFunctions": { "nodjs": {} },
    "headers": [{ "source": "/a", "headers": [{ "key": "X-A", "value": "1", "vlaue": "2" }] }]
  }`;

  t.deepEqual(await told(t, { 'edgeone.json': text }), [
    'edgeone.json:2:17 warning redirect is no key of edgeone.json and is not used; did you mean redirects?',
    'edgeone.json:3:17 warning nonsense is no key of edgeone.json and is not used',
    'edgeone.json:5:86 warning headers[0].headers[0].vlaue is not used; known keys are key, value; did you mean value?',
    'edgeone.json:4:34 warning cloudFunctions.nodjs is not used; known keys are nodejs, mainlandRegions, overseasRegions; did you mean nodejs?',
  ]);
});
