import test from 'ava';
import { Schedule } from '../../../../src/contract/schedule.ts';
import { checkSchedule } from '../../../../src/dialects/netlify/find/check-schedule.ts';
import type { FunctionConfig } from '../../../../src/dialects/netlify/find/declaration.ts';
import { findIn, MODERN } from '../../../helpers/netlify-findings.ts';

interface Row {
  readonly config: string;
  /** Undefined: the function gets no URL. */
  readonly read: Partial<FunctionConfig> | undefined;
  /** `severity message`; the messages of errors end with `; the function gets no URL`. */
  readonly reported?: readonly string[];
}

const ROWS: readonly Row[] = [
  { config: "path: ['/cats', '/dogs', '/cats']", read: { paths: ['/cats', '/dogs'] } },
  { config: "path: '/a/*', excludedPath: ['/a/b']", read: { paths: ['/a/*'], excludedPaths: ['/a/b'] } },
  { config: "path: 'cats'", read: undefined, reported: ['error path "cats" must start with "/"'] },
  {
    config: "path: ['/ok', 'https://x.org/a']",
    read: undefined,
    reported: ['error path "https://x.org/a" is a whole URL; only its path can be matched'],
  },
  { config: 'path: 1', read: undefined, reported: ['error path must be a string or a list of strings, got 1'] },
  {
    config: "path: ['/a', 2]",
    read: undefined,
    reported: ['error path must be a string or a list of strings, got ["/a",2]'],
  },
  {
    config: "path: '/a', excludedPath: 'b'",
    read: undefined,
    reported: ['error excludedPath "b" must start with "/"'],
  },
  {
    config: "path: ['/Cats', '/:Name', '/dogs/', '/']",
    read: { paths: ['/Cats', '/:Name', '/dogs/', '/'] },
    reported: [
      'warning path has upper-case letters, which match only the same letters of a request; `netlify dev` never matches "/Cats"',
      'warning path matches with and without its last slash here, but never in `netlify dev`, got "/dogs/"',
    ],
  },
  {
    config: "path: '/a?b=1'",
    read: undefined,
    reported: ['error path "/a?b=1" has a query, which is no part of a path'],
  },
  {
    config: "metod: 'GET', Path: '/a', runtime: 'edge'",
    read: { methods: 'any', paths: [] },
    reported: [
      'warning metod is no setting of a function and is not used; did you mean method?',
      'warning Path is no setting of a function and is not used; did you mean path?',
      'warning runtime is no setting of a function and is not used',
    ],
  },
  {
    config:
      "generator: 'x', includedFiles: [], nodeBundler: 'none', externalNodeModules: ['a'], ignoredNodeModules: []",
    read: { externalPackages: ['a'] },
  },
  { config: "method: 'get'", read: { methods: ['GET'] } },
  { config: "method: ['get', 'POST', 'GET']", read: { methods: ['GET', 'POST'] } },
  { config: 'method: []', read: { methods: 'any' } },
  {
    config: "method: ['GET', 'LOOK']",
    read: { methods: 'any' },
    reported: [
      'warning method must be of GET POST PUT PATCH OPTIONS DELETE HEAD, got ["GET","LOOK"]; it is not used, so the function is called for every method',
    ],
  },
  { config: 'preferStatic: true', read: { preferStatic: true } },
  {
    config: "preferStatic: 'yes'",
    read: {},
    reported: ['warning preferStatic must be true or false, got "yes"; it is not used'],
  },
  { config: "name: 'Hello', generator: 'x@1'", read: { displayName: 'Hello' } },
  { config: 'name: null', read: {}, reported: ['warning name must be a string, got null; it is not used'] },
  { config: 'timeout: 1.5', read: { timeoutMs: 1500 } },
  { config: 'timeout: 0', read: {}, reported: ['warning timeout must be seconds, got 0; it is not used'] },
  { config: 'background: true', read: { background: true } },
  { config: "schedule: '@hourly'", read: { schedule: '@hourly' } },
  {
    config: "schedule: '@reboot'",
    read: undefined,
    reported: ['error schedule must be one of @hourly @daily @weekly @monthly @yearly, or five fields, got "@reboot"'],
  },
  {
    config: "schedule: '@daily', path: '/a'",
    read: undefined,
    reported: ['error schedule and `path` exclude each other: a scheduled function has no URL'],
  },
  {
    config: "schedule: '@daily', background: true",
    read: { schedule: '@daily', background: true },
    reported: ['warning schedule overrides `background`: the function runs only by its schedule'],
  },
  {
    config: 'memory: 2048, includedFiles: ["x"]',
    read: {},
    reported: ['warning memory is not used: functions share the memory of the process'],
  },
];

for (const { config, read, reported = [] } of ROWS) {
  test(`config { ${config} }`, async (t) => {
    const found = await findIn(t, {
      'netlify/functions/a.ts': `import type { Config } from '@netlify/functions';\nexport const config: Config = { ${config} }; ${MODERN}`,
    });

    const plain = { paths: [], excludedPaths: [], methods: 'any', preferStatic: false, background: false };
    t.deepEqual(
      found.declarations.map((each) => each.config),
      read ? [{ ...plain, ...read } as FunctionConfig] : [],
    );
    t.deepEqual(
      found.reported.map((line) => line.replace(/; the function gets no URL$/, '')),
      reported.map((line) => `netlify/functions/a.ts:2 ${line}`),
    );
    t.is(found.ignored.length, read ? 0 : 1);
  });
}

test('a function whose name ends in -background is a background function, whatever its config says', async (t) => {
  const found = await findIn(t, {
    'netlify/functions/a-background.ts': `${MODERN} export const config = { background: false };`,
    'netlify/functions/background.ts': MODERN,
  });

  t.true(found.of('a-background').config.background);
  t.false(found.of('background').config.background);
});

test("the function's own config overrides netlify.toml, whose mistakes are reported with its line", async (t) => {
  const found = await findIn(t, {
    'netlify.toml': '[functions.a]\ntimeout = 2\nschedule = "@daily"\n[functions.b]\n\nschedule = "often"',
    'netlify/functions/a.ts': `${MODERN} export const config = { timeout: 3 };`,
    'netlify/functions/b.ts': MODERN,
  });

  t.like(found.of('a').config, { timeoutMs: 3000, schedule: '@daily' });
  t.regex(found.reported[0] ?? '', /^netlify\.toml:6 error schedule must have five fields/);
  t.deepEqual(
    found.declarations.map(({ name }) => name),
    ['a'],
  );
});

const RIGHT = [
  ...['* * * * *', '*/15 0-6 1,15 jan-mar,DEC MON-fri', '0 0 29 2 7', '59 23 31 12 0', ' 5 4  * * sun '],
  ...['@hourly', '@daily', '@weekly', '@monthly', '@yearly', '0-30/5 * * * *', '0 0 1 1 *'],
  ...['*/60 */24 */31 */12 */7', '0 0 31 2,3 *', '0 0 30 2 1'],
];
const WRONG = [
  ...['@annually', '@midnight', '@reboot', '@DAILY', '', '* * * *', '0 * * * * *', '60 * * * *', '* 24 * * *'],
  ...['* * 0 * *', '* * 32 * *', '* * * 13 *', '* * * * 8', '* * L * *', '* * * * 1#2', '* * 15W * *', '? * * * *'],
  ...['*/61 * * * *', '* */25 * * *', '* * */32 * *', '* * * */13 *', '* * * * */8', '* * * * 0-7/8'],
  ...['*/0 * * * *', '5-1 * * * *', '1/5 * * * *', '-1 * * * *', '1, * * * *', 'jan * * * *', '1.5 * * * *'],
];

test('a schedule has five fields or is one of five aliases, and the scheduler can read every valid one', (t) => {
  t.deepEqual(
    RIGHT.map((text) => [text, checkSchedule(text)]),
    RIGHT.map((text) => [text, undefined]),
  );
  t.deepEqual(
    WRONG.filter((text) => checkSchedule(text) === undefined),
    [],
  );
  for (const text of RIGHT) t.is(typeof new Schedule(text).nextAfter(0), 'number', text);
});

for (const [what, text] of [
  ['the last day of a month', '0 0 L * *'],
  ['the last of a weekday in a month', '0 0 * * 5L'],
  ['the second of a weekday in a month', '0 0 * * MON#2'],
  ['the weekday nearest to a day', '0 0 15W * *'],
  ['the last weekday of a month', '0 0 LW * *'],
  ['any value by another sign', '0 0 ? * *'],
  ['days that are both of the month and of the week', '0 0 13 * +5'],
  ['another alias', '@midnight'],
  ['one moment', '2027-01-01T00:00:00'],
] as const) {
  test(`the scheduler reads ${what}, but the platform does not: ${text} is refused`, (t) => {
    t.is(typeof new Schedule(text).nextAfter(0), 'number');
    t.is(typeof checkSchedule(text), 'string');
  });
}

for (const [what, text] of [
  ['seconds', '0 0 0 * * *'],
  ['seconds and years', '0 0 0 1 1 * 2027'],
  ['whole names of months', '0 0 1 january *'],
  ['whole names of weekdays', '0 0 * * monday'],
  ['names of another field', '0 0 mon * *'],
  ['a duration', '@every 5m'],
] as const) {
  test(`a schedule with ${what} is refused: ${text}`, (t) => {
    t.is(typeof checkSchedule(text), 'string');
  });
}

test('a schedule that never comes due is reported with its line, and the function is still used', async (t) => {
  const found = await findIn(t, {
    'netlify/functions/a.ts': `${MODERN}\nexport const config = {\n  schedule: "0 0 30 2 *",\n};`,
    'netlify.toml': '[functions.b]\nschedule = "0 0 31 4,6,9,11 *"',
    'netlify/functions/b.ts': MODERN,
  });

  t.deepEqual(found.reported.toSorted(), [
    'netlify.toml:2 warning schedule never comes due: no month of it has such a day, got "0 0 31 4,6,9,11 *"',
    'netlify/functions/a.ts:3 warning schedule never comes due: no month of it has such a day, got "0 0 30 2 *"',
  ]);
  t.is(found.of('a').config.schedule, '0 0 30 2 *');
});
