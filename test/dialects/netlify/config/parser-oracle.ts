import { join } from 'node:path';
import test from 'ava';
import type { HeaderRule } from '../../../../src/dialects/netlify/config/header-rule.ts';
import { readHeadersFile } from '../../../../src/dialects/netlify/config/headers-file.ts';
import { readNetlifyToml } from '../../../../src/dialects/netlify/config/netlify-toml.ts';
import type { RedirectRule } from '../../../../src/dialects/netlify/config/redirect-rule.ts';
import { readRedirectsFile } from '../../../../src/dialects/netlify/config/redirects-file.ts';
import { PathGlob } from '../../../../src/dialects/netlify/rules/path-glob.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

/** The parsers of the platform's own builder, as far as they are used here. */
interface RedirectParser {
  parseAllRedirects(
    from: object,
  ): Promise<{ readonly redirects: readonly ParsedRedirect[]; readonly errors: readonly Error[] }>;
}

interface ParsedRedirect extends Omit<RedirectRule, 'conditions' | 'status'> {
  readonly status?: number;
  readonly conditions: Readonly<Record<string, string | readonly string[]>>;
}

interface HeadersParser {
  parseAllHeaders(
    from: object,
  ): Promise<{ readonly headers: readonly ParsedHeader[]; readonly errors: readonly Error[] }>;
}

interface ParsedHeader {
  readonly for: string;
  readonly values: Readonly<Record<string, string>>;
  readonly forRegExp: RegExp;
}

const { parseAllRedirects }: RedirectParser = await import('@netlify/redirect-parser' as string);
const { parseAllHeaders }: HeadersParser = await import('@netlify/headers-parser' as string);

/** Our rule in the shape of the platform's. */
function toParsed({ from, to, status, force, query, conditions, signed, headers }: RedirectRule): object {
  const { country, language, role, cookie } = conditions;
  const lists = { Country: country, Language: language, Role: role, Cookie: cookie?.join(',') };
  const set = Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined));
  return { from, to, status, force, query, conditions: set, headers, ...(signed !== undefined && { signed }) };
}

function toCompared({ status = 301, from, to, force, query, conditions, signed, headers }: ParsedRedirect): object {
  return { from, to, status, force, query, conditions, headers, ...(signed !== undefined && { signed }) };
}

const LINES = `
# comment
/home /
   /blog/*   https://b.example/:splat   302!
/store id=:id  a=b   /blog/:id   301  # old shop
/a /b#top 307 # comment
/a#x /b
/only#not /c #yes
/api/* /.netlify/functions/:splat 200
/files/* 200
/files2/* 200! Country=de,at
/g /h 302 country=de Language=en,de
/i /j 303 Role=admin,editor Cookie=beta
/k https://k.example/x 200 Sign=K_SECRET
/k2 https://k.example/x 200 signed=K_SECRET
http://old.example/* https://new.example/:splat 301!
https://old.example/x /y
/gone /gone.html 410
/none /404.html 404!
/\u00fc /\u00e4
no-slash /b
* /c
/.netlify/functions/x /y
/missing
/bad to
/bad2 /x notastatus
/bad3 200
/b.c /d.e?f=g&h=i 308
/last /line 301 `;

test('each line of _redirects means what the parser of the platform reads in it', async (t) => {
  const site = await siteFolder(t, { _redirects: LINES });

  const { redirects } = await parseAllRedirects({ redirectsFiles: [join(site, '_redirects')], minimal: true });

  const { rules } = readRedirectsFile(LINES, '_redirects');
  const own = rules.filter(({ from }) => !from.startsWith('/.netlify'));
  t.deepEqual(own.map(toParsed), redirects.map(toCompared));
  t.is(own.length, 22);
});

const TOML = `
[[redirects]]
from = "/a"
to = "/b"
[[redirects]]
origin = "/c"
destination = "/d"
status = "302"
force = true
parameters = { id = ":id" }
[[redirects]]
from = "/e/*"
status = 200
sign = "SECRET"
[redirects.headers]
X-From = "here"
[redirects.conditions]
country = "de,at"
Language = ["en"]
[[redirects]]
from = "/f"
[[redirects]]
from = "/g"
to = "/h"
status = "soon"
[[headers]]
for = "/*"
[headers.values]
X-A = "1"
Cache-Control = """
max-age=0,
no-cache"""
X-List = ["a", " b"]
[[headers]]
for = " /x/*/y/:z "
values = { X-B = "2" }
[[headers]]
for = "/none"
`;

test('each table of netlify.toml means what the parsers of the platform read in it', async (t) => {
  const site = await siteFolder(t, { 'netlify.toml': TOML });
  const netlifyConfigPath = join(site, 'netlify.toml');

  const { redirects } = await parseAllRedirects({ netlifyConfigPath, minimal: true });
  const { headers } = await parseAllHeaders({ netlifyConfigPath, minimal: true });

  const toml = await readNetlifyToml(site, false);
  t.deepEqual(toml.redirects.map(toParsed), redirects.map(toCompared));
  t.is(redirects.length, 3);
  t.deepEqual(
    toml.headers.map(toHeader),
    headers.map(({ for: path, values }) => ({ path, values })),
  );
  t.is(headers.length, 2);
});

function toHeader({ path, values }: HeaderRule): object {
  return { path, values: Object.fromEntries(values.values()) };
}

const HEADERS = `
# comment
/*
  X-A: 1
  X-A: 2
  Link: </a.css>; rel=preload: x
no colon
/empty
  # only a comment
/b/:x/*.js
X-B:3
/*/d
  X-D: 4
/*
  X-A: 5
`;

test('each line of _headers means what the parser of the platform reads in it, and its paths match the same', async (t) => {
  const site = await siteFolder(t, { _headers: HEADERS });

  const { headers } = await parseAllHeaders({ headersFiles: [join(site, '_headers')] });

  const { rules } = readHeadersFile(HEADERS, '_headers');
  t.deepEqual(
    rules.map(toHeader),
    headers.map(({ for: path, values }) => ({ path, values })),
  );
  t.is(headers.length, 4);
  for (const path of [
    '/',
    '/a',
    '/b/x/y.js',
    '/b/x/y/z.js',
    '/B/X/.js',
    '/b/y.js',
    '/d',
    '/x/d/',
    '/x/y/d',
    '/x/d/y',
  ]) {
    const globs = rules.map((rule) => new PathGlob(rule.path).matches(path, false));
    t.deepEqual(
      globs,
      headers.map(({ forRegExp }) => forRegExp.test(path)),
      path,
    );
  }
});
