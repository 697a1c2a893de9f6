import test from 'ava';
import { readRedirectsFile } from '../../../../src/dialects/netlify/config/redirects-file.ts';

const RULE = { status: 301, force: false, query: {}, conditions: {}, headers: {}, others: [] };

test('each line of _redirects is a rule, an empty line or a comment', (t) => {
  const text = [
    '\uFEFF# old pages',
    '',
    '/home              /',
    '/blog/*  /news/:splat  302   # moved',
    '\t/store id=:id kind=a /blog/:id 200! Country=de,at Language=de',
    '/files/* 200',
    '/signed https://b.example/:x 200 Sign=KEY Role=admin cookie=a\r',
  ].join('\n');

  const { rules, problems } = readRedirectsFile(text, 'public/_redirects');

  t.deepEqual(problems, []);
  const file = 'public/_redirects';
  t.deepEqual(rules, [
    { ...RULE, file, line: 3, from: '/home', to: '/' },
    { ...RULE, file, line: 4, from: '/blog/*', to: '/news/:splat', status: 302 },
    {
      ...{ ...RULE, file, line: 5, from: '/store', to: '/blog/:id', status: 200, force: true },
      query: { id: ':id', kind: 'a' },
      conditions: { country: ['de', 'at'], language: ['de'] },
    },
    { ...RULE, file, line: 6, from: '/files/*', to: '/files/:splat', status: 200 },
    {
      ...{ ...RULE, file, line: 7, from: '/signed', to: 'https://b.example/:x', status: 200, signed: 'KEY' },
      conditions: { role: ['admin'], cookie: ['a'] },
    },
  ]);
});

for (const [line, message] of [
  ['/a', 'must name a path or URL to lead to'],
  ['/a # /b', 'must name a path or URL to lead to'],
  ['/a b', 'must lead to a path with a slash at its start, or to a URL with http:// or https://'],
  ['/a b /c', 'has "b" where a condition such as "id=:id" or "Country=de" may stand'],
  ['/a /b soon', 'must have a status such as 301 there, got "soon"'],
  ['/a /b 999', 'must have a status such as 301 there, got "999"'],
  ['/a 200', 'must name a path to lead to: only a rule from "/…/*" with status 200 may omit it'],
  ['/a/* 301', 'must name a path to lead to: only a rule from "/…/*" with status 200 may omit it'],
  ['/a /b 301 Countri=de', 'has "Countri", which is no condition; did you mean Country?'],
  ['/a /b 301 de', 'has "de" where a condition such as "id=:id" or "Country=de" may stand'],
] as const) {
  test(`the line "${line}" is reported and ignored, and the others are used`, (t) => {
    const { rules, problems } = readRedirectsFile(`/x /y\n${line}\n/z /y`, '_redirects');

    t.deepEqual(
      rules.map(({ from }) => from),
      ['/x', '/z'],
    );
    t.deepEqual(problems, [
      { severity: 'error', file: '_redirects', line: 2, message: `${message}; the rule is not used` },
    ]);
  });
}
