import test from 'ava';
import { toLocation } from '../../../../src/contract/problem.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { exchange } from '../../../helpers/redirect-server.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const FILES = { 'out/index.html': 'home', 'out/admin/index.html': 'secret', 'out/open.html': 'open' };
const BUILD = '[build]\npublish = "out"\n';
const LOGIN = { Authorization: `Basic ${btoa('a:b')}` };

interface Row {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly status: number;
  /** The guard closes every path, because its own is not known. */
  readonly isOfAll?: true;
  readonly report: RegExp;
}

const ROWS: readonly Row[] = [
  {
    title: 'a misspelt Basic-Auth in _headers',
    files: { 'out/_headers': '/admin/*\n  Basic-Atuh: a:b' },
    status: 401,
    report: /^out\/_headers:2 error Basic-Atuh is no header; did you mean Basic-Auth\?; its path is closed$/,
  },
  {
    title: 'a Basic-Auth of which a part is no password',
    files: { 'out/_headers': '/admin/*\n  Basic-Auth: a:b c' },
    status: 401,
    report: /^out\/_headers:2 error Basic-Auth must be names and passwords .*; its path is closed$/,
  },
  {
    title: 'a misspelt Basic-Auth in netlify.toml',
    files: toml('[[headers]]\nfor = "/admin/*"\n[headers.values]\nBasicAuth = "a:b"'),
    status: 401,
    report: /^netlify\.toml:6 error headers\[0\]\.values\.BasicAuth .* did you mean Basic-Auth\?; its path is closed$/,
  },
  {
    title: 'a Basic-Auth in a misspelt table of values',
    files: toml('[[headers]]\nfor = "/admin/*"\n[headers.value]\nBasic-Auth = "a:b"'),
    status: 401,
    report:
      /^netlify\.toml:5 error headers\[0\]\.value is no key .*; did you mean values\?; \/admin\/\* is closed, because .*$/,
  },
  {
    title: 'a Basic-Auth beside the table of values',
    files: toml('[[headers]]\nfor = "/admin/*"\nBasic-Auth = "a:b"'),
    status: 401,
    report:
      /^netlify\.toml:3 error headers\[0\] has a Basic-Auth outside of \[headers\.values\]; \/admin\/\* is closed$/,
  },
  {
    title: 'a Basic-Auth without a path',
    files: toml('[[headers]]\nfro = "/admin/*"\n[headers.values]\nBasic-Auth = "a:b"'),
    status: 401,
    isOfAll: true,
    report:
      /^netlify\.toml:4 error headers\[0\]\.fro is no key .*; did you mean for\?; every path is closed, because of its .*$/,
  },
  {
    title: 'a Basic-Auth of a URL',
    files: toml('[[headers]]\nfor = "https://a.test/*"\n[headers.values]\nBasic-Auth = "a:b"'),
    status: 401,
    isOfAll: true,
    report: /^netlify\.toml:4 error headers\[0\]\.for must be a path of the site, got .*; every path is closed, .*$/,
  },
  {
    title: 'a Basic-Auth in a single table',
    files: toml('[headers]\nfor = "/admin/*"\nvalues = { Basic-Auth = "a:b" }'),
    status: 401,
    isOfAll: true,
    report: /^netlify\.toml:3 error headers must be tables, written as \[\[headers\]\]; every path is closed, .*$/,
  },
  {
    title: 'a Basic-Auth in tables of another name',
    files: toml('[[header]]\nfor = "/admin/*"\n[header.values]\nBasic-Auth = "a:b"'),
    status: 401,
    isOfAll: true,
    report: /^netlify\.toml:3 error header has a Basic-Auth, .*; did you mean headers\?; every path is closed, .*$/,
  },
  {
    title: 'a Basic-Auth in such tables of the context',
    files: toml('[[context.production.header]]\nfor = "/admin/*"\nvalues = { Basic-Auth = "a:b" }'),
    status: 401,
    isOfAll: true,
    report: /^netlify\.toml:3 error context\.production\.header has a Basic-Auth, .*; every path is closed, .*$/,
  },
  {
    title: 'a role in a line of _redirects that is no rule',
    files: { 'out/_redirects': '/admin/* /admin/:splat 200! Role=x Contry=de' },
    status: 404,
    report: /^out\/_redirects:1 error has "Contry", .*; the rule may protect its path, which answers 404$/,
  },
  {
    title: 'a misspelt role in _redirects',
    files: { 'out/_redirects': '/admin/* /admin/:splat 200! Roles=x' },
    status: 404,
    report: /^out\/_redirects:1 error has "Roles", .* did you mean Role\?; the rule may protect .*$/,
  },
  {
    title: 'a role in a misspelt table of conditions',
    files: toml('[[redirects]]\nfrom = "/admin/*"\nto = "/admin/:splat"\nstatus = 200\nconditons = { Role = ["x"] }'),
    status: 404,
    report: /^netlify\.toml:7 error redirects\[0\]\.conditons is no key of a redirect; .*; the rule may protect .*$/,
  },
  {
    title: 'a role in a redirect with a wrong status',
    files: toml('[[redirects]]\nfrom = "/admin/*"\nto = "/x"\nstatus = "x"\nconditions = { Role = ["x"] }'),
    status: 404,
    report: /^netlify\.toml:6 error redirects\[0\]\.status must be a status, .*; the rule may protect .*$/,
  },
  {
    title: 'a role in a redirect with a destination that is none',
    files: toml('[[redirects]]\nfrom = "/admin/*"\nto = "x"\nconditions = { Role = ["x"] }'),
    status: 404,
    report: /^netlify\.toml:3 error the redirect from .* is not used: its "to" must start .*; the rule may protect .*$/,
  },
  {
    title: 'a role in a redirect without a path',
    files: toml('[[redirects]]\nto = "/x"\nconditions = { Role = ["x"] }'),
    status: 404,
    isOfAll: true,
    report: /^netlify\.toml:3 error redirects\[0\]\.from must be a string, got nothing; the rule may protect .*$/,
  },
  {
    title: 'a role in redirects of another name',
    files: toml('[[redirect]]\nfrom = "/admin/*"\nto = "/x"\nconditions = { Role = ["x"] }'),
    status: 404,
    report: /^netlify\.toml:3 error redirect must be tables, written as \[\[redirects\]\]; the rule may protect .*$/,
  },
  {
    title: 'a role in a single redirect',
    files: toml('[redirects]\nfrom = "/admin/*"\nto = "/x"\nconditions = { Role = ["x"] }'),
    status: 404,
    report: /^netlify\.toml:3 error redirects must be tables, written as \[\[redirects\]\]; the rule may protect .*$/,
  },
  {
    title: 'a limit in a redirect with an unknown key',
    files: toml('[[redirects]]\nfrom = "/admin/*"\nto = "/x"\nnothing = 1\n[redirects.rate_limit]\nwindow_limit = 1'),
    status: 404,
    report: /^netlify\.toml:6 error redirects\[0\]\.nothing is no key of a redirect; the rule may protect .*$/,
  },
  {
    title: 'a rule that hides files, with an unknown key',
    files: toml('[[redirects]]\nfrom = "/admin/*"\nto = "/x"\nstatus = 404\nforce = true\nnothing = 1'),
    status: 404,
    report: /^netlify\.toml:8 error redirects\[0\]\.nothing is no key of a redirect; the rule may protect .*$/,
  },
  {
    title: 'a Basic-Auth below a path without its first slash',
    files: { 'out/_headers': '/open\n  X-A: 1\nadmin/*\n  Basic-Auth: a:b' },
    status: 401,
    isOfAll: true,
    report: /^out\/_headers:4 error must stand below the path that it protects; every path is closed$/,
  },
  {
    title: 'a netlify.toml that is not TOML',
    files: { 'netlify.toml': '[build]\npublish = "out"\n[[redirects]' },
    status: 500,
    isOfAll: true,
    report: /^netlify\.toml:3:\d+ error is not valid TOML: .*; it may protect paths, so every request is answered 500$/,
  },
  {
    title: 'a Basic-Auth in a misspelt _headers',
    files: { 'out/_header': '/admin/*\n  Basic-Auth: a:b' },
    status: 401,
    report: /^out\/_header error is not read; did you mean out\/_headers\?; the paths that it protects are closed$/,
  },
  {
    title: 'a role in a misspelt _redirects',
    files: { 'out/_redirects.txt': '/old /new\n/admin/* /admin/:splat 200! Role=x' },
    status: 404,
    report: /^out\/_redirects\.txt error is not read; .*; the paths that it protects are closed$/,
  },
  {
    title: 'a file _headers that cannot be read',
    files: { 'out/_headers/a.txt': '' },
    status: 500,
    isOfAll: true,
    report: /^out\/_headers error cannot be read: .*; it may protect paths, so every request is answered 500$/,
  },
];

for (const { title, files, status, isOfAll = false, report } of ROWS) {
  test(`${title} closes ${isOfAll ? 'every path' : 'its path'} with ${status}`, async (t) => {
    const site = await siteFolder(t, { 'netlify.toml': BUILD, ...FILES, ...files });
    const { edge, ...running } = await startEdge(t, { site });

    const reports = edge.site.problems.map((each) => `${toLocation(each)} ${each.severity} ${each.message}`);
    t.truthy(
      reports.find((each) => report.test(each)),
      reports.join('\n'),
    );
    for (const path of ['/admin/', '/admin/index.html', '//admin/', '/%61dmin/']) {
      const text = await exchange(running, path, 'GET', LOGIN);
      t.true(text.startsWith(`HTTP/1.1 ${status} `), `${path}: ${text}`);
    }
    t.regex(await exchange(running, '/open', 'GET'), isOfAll ? new RegExp(`^HTTP/1\\.1 ${status} `) : /open$/);
  });
}

function toml(text: string): Readonly<Record<string, string>> {
  return { 'netlify.toml': BUILD + text };
}
