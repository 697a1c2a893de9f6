import test from 'ava';
import { IN_CONFIG, IN_TOML, readRateLimit } from '../../../../src/dialects/netlify/config/rate-limit.ts';

const PART = { file: 'a.mts', part: 'function a', name: 'a', paths: ['/a'] };
const WHOLE = { windowLimit: 5, windowSize: 60, aggregateBy: ['ip', 'domain'] };

interface Row {
  readonly given: unknown;
  readonly read: object | 'wrong';
  readonly reported?: readonly string[];
}

const ROWS: readonly Row[] = [
  { given: WHOLE, read: { limit: 5, windowMs: 60_000, by: ['ip', 'domain'] } },
  { given: { ...WHOLE, algorithm: 'sliding_window', action: 'rate_limit' }, read: { limit: 5 } },
  { given: { ...WHOLE, aggregateBy: 'ip' }, read: { by: ['ip'] } },
  { given: { ...WHOLE, action: 'rewrite', to: '/b?c' }, read: { rewriteTo: '/b?c' } },
  {
    given: { windowLimit: 1, windowSize: 60 },
    read: { by: ['domain'] },
    reported: [
      'warning aggregateBy is not set: all clients of a host share the limit, and one of them can use it up; "ip" counts each by itself',
    ],
  },
  {
    given: { windowLimit: 1, aggregateBy: 'ip' },
    read: { windowMs: 60_000 },
    reported: ['warning windowSize is not set: 60 seconds are used'],
  },
  {
    given: { ...WHOLE, windowSize: 3600 },
    read: { windowMs: 3_600_000 },
    reported: ['warning windowSize is 3600 s, which holds here; on the platform it is at most 180 s'],
  },
  {
    given: { ...WHOLE, to: '/b' },
    read: { limit: 5 },
    reported: ['warning to is not used without action "rewrite"'],
  },
  {
    given: { ...WHOLE, action: 'rewrite', to: '/a' },
    read: { rewriteTo: '/a' },
    reported: ['warning to is the path of the limit itself: requests above it get 429'],
  },
  {
    given: null,
    read: 'wrong',
    reported: ['error  must be a table that is written out, got null'],
  },
  ...[0, -1, 1.5, '5', undefined].map(
    (windowLimit): Row => ({
      given: { ...WHOLE, windowLimit },
      read: 'wrong',
      reported: [
        `error windowLimit must be a whole number of at least 1, got ${JSON.stringify(windowLimit) ?? 'nothing'}`,
      ],
    }),
  ),
  ...[0, 86_401, '60', 0.5].map(
    (windowSize): Row => ({
      given: { ...WHOLE, windowSize },
      read: 'wrong',
      reported: [`error windowSize must be a whole number from 1 to 86400, got ${JSON.stringify(windowSize)}`],
    }),
  ),
  ...['IP', [], ['ip', 7], {}].map(
    (aggregateBy): Row => ({
      given: { ...WHOLE, aggregateBy },
      read: 'wrong',
      reported: [`error aggregateBy must be "ip", "domain" or a list of them, got ${JSON.stringify(aggregateBy)}`],
    }),
  ),
  {
    given: { ...WHOLE, action: 'redirect' },
    read: 'wrong',
    reported: ['error action must be "rate_limit" or "rewrite", got "redirect"'],
  },
  ...['b', '//b.example', 7, undefined].map(
    (to): Row => ({
      given: { ...WHOLE, action: 'rewrite', to },
      read: 'wrong',
      reported: [`error to must be a path of this site that starts with "/", got ${JSON.stringify(to) ?? 'nothing'}`],
    }),
  ),
  {
    given: { ...WHOLE, algorithm: 'token_bucket' },
    read: 'wrong',
    reported: ['error algorithm must be "sliding_window", got "token_bucket"'],
  },
  {
    given: { ...WHOLE, windowlimit: 7 },
    read: 'wrong',
    reported: ['error windowlimit is no key of a rate limit; did you mean windowLimit?'],
  },
  {
    given: { windowLimt: 7 },
    read: 'wrong',
    reported: ['error windowLimt is no key of a rate limit; did you mean windowLimit?'],
  },
];

for (const { given, read, reported = [] } of ROWS) {
  test(`the rate limit ${JSON.stringify(given)} ${JSON.stringify(Object.values(given ?? {}).at(-1))}`, (t) => {
    const { rule, problems } = readRateLimit(given, IN_CONFIG, PART);

    if (read === 'wrong') t.is(rule, 'wrong');
    else t.like(rule, read);
    t.deepEqual(
      problems.map(
        ({ severity, key, message }) => `${severity} ${key} ${message.replace(/; what it limits answers 404$/, '')}`,
      ),
      reported,
    );
  });
}

test('in netlify.toml the keys of a rate limit have underscores', (t) => {
  const given = { window_limit: 5, window_size: 60, aggregate_by: ['ip'] };

  t.like(readRateLimit(given, IN_TOML, PART), { rule: { limit: 5, windowMs: 60_000, by: ['ip'] }, problems: [] });
  t.is(readRateLimit(WHOLE, IN_TOML, PART).rule, 'wrong');
});

test('a limit that changes gets counts of its own, and one that stays the same keeps them', (t) => {
  const idOf = (given: object, part = PART): string => {
    const { rule } = readRateLimit(given, IN_CONFIG, part);
    return rule === 'wrong' ? '' : rule.id;
  };

  const others = [
    idOf({ ...WHOLE, windowLimit: 6 }),
    idOf({ ...WHOLE, windowSize: 61 }),
    idOf({ ...WHOLE, aggregateBy: 'ip' }),
    idOf(WHOLE, { ...PART, file: 'b.mts' }),
    idOf(WHOLE, { ...PART, part: 'function b' }),
  ];

  t.is(idOf({ ...WHOLE, action: 'rewrite', to: '/x', aggregateBy: ['domain', 'ip'] }), idOf(WHOLE));
  t.is(new Set([...others, idOf(WHOLE)]).size, 6);
});
