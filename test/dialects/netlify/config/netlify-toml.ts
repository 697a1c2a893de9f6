import test from 'ava';
import { type NetlifyToml, readNetlifyToml } from '../../../../src/dialects/netlify/config/netlify-toml.ts';
import { valuesFor } from '../../../../src/dialects/netlify/config/toml-functions.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

test('a site without netlify.toml has empty settings', async (t) => {
  const root = await siteFolder(t);

  t.deepEqual(await readNetlifyToml(root, false), {
    settings: [],
    edgeFunctions: [],
    redirects: [],
    headers: [],
    remoteImages: [],
    base: '.',
    ignored: [],
    problems: [],
  });
});

test('a file that is not TOML is an error with its location, and closes the site', async (t) => {
  const root = await siteFolder(t, { 'netlify.toml': '[functions]\ndirectory = "api"\nschedule = \n' });

  const { functionsFolder, isClosed, problems } = await readNetlifyToml(root, false);

  t.is(functionsFolder, undefined);
  t.true(isClosed);
  t.like(problems[0], { severity: 'error', file: 'netlify.toml', line: 3 });
  t.regex(
    problems[0]?.message ?? '',
    /^is not valid TOML: .*; it may protect paths, so every request is answered 500$/,
  );
  t.notRegex(problems[0]?.message ?? '', /\n/);
});

interface FolderRow {
  readonly title: string;
  readonly text: string;
  readonly isDev?: boolean;
  readonly folder: string | undefined;
}

const FOLDERS: readonly FolderRow[] = [
  { title: '[functions] directory', text: '[functions]\ndirectory = "src/api/"', folder: 'src/api' },
  { title: 'a leading slash means the site', text: '[functions]\ndirectory = "/api"', folder: 'api' },
  { title: 'the old [build] functions', text: '[build]\nfunctions = "./old"', folder: 'old' },
  {
    title: '[functions] comes before [build]',
    text: '[build]\nfunctions = "old"\n[functions]\ndirectory = "new"',
    folder: 'new',
  },
  { title: '[dev] is not for production', text: '[dev]\nfunctions = "dev"', folder: undefined },
  {
    title: '[dev] comes first in development',
    text: '[functions]\ndirectory = "api"\n[dev]\nfunctions = "dev"',
    isDev: true,
    folder: 'dev',
  },
  { title: 'not out of the site', text: '[functions]\ndirectory = "../api"', folder: undefined },
  { title: 'below the base', text: '[build]\nbase = "packages/a"\nfunctions = "fn"', folder: 'packages/a/fn' },
  { title: 'not below the base', text: '[build]\nbase = "packages/a"\nfunctions = "/fn"', folder: 'fn' },
  { title: 'no number', text: 'functions = { directory = 1 }', folder: undefined },
];

for (const { title, text, isDev = false, folder } of FOLDERS) {
  test(`the folder of functions: ${title}`, async (t) => {
    const root = await siteFolder(t, { 'netlify.toml': text });

    t.is((await readNetlifyToml(root, isDev)).functionsFolder, folder);
  });
}

const MISTAKES = `[build]
base = "packages/site"
publish = 3

[[redirects]]
from = "/a"
to = "/b"
status = "soon"

[[redirects]]
from = "/a"

[functions]
directory = """
../../../out"""
[context.production.functions]
timeout = 1
[[redirects]]
from = "/c"
to = "/d"
  query = { a = 1 }
force = "yes"
[[edge_functions]]
path = "/*"
[[headers]]
  [headers.values]
  X-A = "1"
[[headers]]
for = "/*"
  [headers.values]
  X-A = 1
  Location = "/x"
  Basic-Auth = "secret"
`;

test('an empty folder is not set, and not reported', async (t) => {
  const root = await siteFolder(t, { 'netlify.toml': '[build]\nbase = ""\npublish = ""\n' });

  const { base, publish, problems } = await readNetlifyToml(root, false);

  t.deepEqual(problems, []);
  t.deepEqual([base, publish], ['.', undefined]);
});

test('each error is reported with its line', async (t) => {
  const root = await siteFolder(t, { 'netlify.toml': MISTAKES, 'packages/site/netlify.toml': '' });

  const { problems, redirects } = await readNetlifyToml(root, false);

  t.deepEqual(
    problems.map(({ line, message }) => `${line}: ${message}`),
    [
      '14: functions.directory must be inside the site, got "../../../out"; it is not used',
      '3: build.publish must be a folder of the site, got 3; it is not used',
      '2: build.base has a packages/site/netlify.toml, which is not read: move its settings here',
      '23: edge_functions[0] must name its function; its paths answer 500',
      '8: redirects[0].status must be a status, such as 301, got "soon"; the redirect is not used',
      '10: redirects[1].to must be a string, got nothing; the redirect is not used',
      '22: redirects[2].force must be true or false, got "yes"; the redirect is not used',
      '21: redirects[2].query must be a table of strings, got {"a":1}; the redirect is not used',
      '25: headers[0].for must be a path; the headers are not used',
      '31: headers[1].values.X-A must be a text, or a list of texts; it is not used',
      '32: headers[1].values.Location cannot be used: the header Location is set by the server alone; it is not used',
      '33: headers[1].values.Basic-Auth cannot be used: Basic-Auth must be names and passwords such as "user:password", with spaces between them; its path is closed',
    ],
  );
  t.deepEqual(redirects, []);
});

test('redirects have the values of the file, also from the old names of keys', async (t) => {
  const root = await siteFolder(t, {
    'netlify.toml': `[[redirects]]
      from = "/api/*"
      to = "/.netlify/functions/api/:splat"
      status = 200
      force = true
      query = { id = ":id" }
      signed = "KEY"
      conditions = { Role = ["admin"], Country = ["de"] }
      [redirects.headers]
      X-From = "here"
      [[redirects]]
      origin = "/old"
      destination = "/new"
      params = { a = "1" }`,
  });

  const { redirects, problems } = await readNetlifyToml(root, false);

  t.deepEqual(problems, []);
  t.deepEqual(redirects, [
    {
      file: 'netlify.toml',
      line: 1,
      from: '/api/*',
      to: '/.netlify/functions/api/:splat',
      status: 200,
      force: true,
      query: { id: ':id' },
      conditions: { country: ['de'], role: ['admin'] },
      signed: 'KEY',
      headers: { 'X-From': 'here' },
      others: [],
    },
    {
      file: 'netlify.toml',
      line: 11,
      from: '/old',
      to: '/new',
      status: 301,
      force: false,
      query: { a: '1' },
      conditions: {},
      headers: {},
      others: [],
    },
  ]);
});

function settled(toml: NetlifyToml, name: string): Record<string, unknown> {
  return Object.fromEntries([...valuesFor(name, toml.settings)].map(([key, { value }]) => [key, value]));
}

test('of the globs that match a name, the most specific one has precedence, key by key', async (t) => {
  const root = await siteFolder(t, {
    'netlify.toml': `[functions.api_report]
      timeout = 3
      [functions."api_*"]
      timeout = 2
      schedule = "@daily"
      node_bundler = "esbuild"
      [functions]
      timeout = 1
      background = true
      [functions."other*"]
      timeout = 4`,
  });
  const toml = await readNetlifyToml(root, false);

  t.deepEqual(settled(toml, 'api_report'), { timeout: 3, schedule: '@daily', background: true });
  t.deepEqual(settled(toml, 'api_other'), { timeout: 2, schedule: '@daily', background: true });
  t.deepEqual(settled(toml, 'hello'), { timeout: 1, background: true });
  t.is(valuesFor('api_report', toml.settings).get('timeout')?.line, 2);
  t.is(valuesFor('api_report', toml.settings).get('schedule')?.line, 5);
});

const CONTEXTS = `[functions]
timeout = 1
[functions.api]
timeout = 3
[[redirects]]
from = "/a"
to = "/everywhere"
[[headers]]
for = "/a"
values = { X = "everywhere" }
[context.production.build]
functions = "fn"
environment = { A = "only for builds" }
[context.production.functions]
timeout = 2
[context.production.functions.api]
background = true
[[context.production.redirects]]
from = "/a"
to = "/production"
[[context.production.redirects]]
from = "/b"
[context.deploy-preview]
publish = "preview"
[[context.dev.headers]]
for = "/a"
values = { X = "dev" }
[dev]
publish = "dev"
`;

test('tables of the context apply: functions key by key, redirects and headers instead of the others', async (t) => {
  const root = await siteFolder(t, { 'netlify.toml': CONTEXTS, 'fn/api.js': '' });

  const production = await readNetlifyToml(root, false);
  const dev = await readNetlifyToml(root, true);

  t.is(production.functionsFolder, 'fn');
  t.deepEqual(settled(production, 'api'), { timeout: 3, background: true });
  t.deepEqual(settled(production, 'other'), { timeout: 2 });
  t.deepEqual(
    production.redirects.map(({ to, line }) => [to, line]),
    [['/production', 18]],
  );
  t.deepEqual(production.headers[0]?.values.get('x'), ['X', 'everywhere']);
  t.deepEqual(
    production.problems.map(({ line, message }) => `${line}: ${message}`),
    [
      '18: context.production.redirects replaces all [[redirects]], as on the platform: repeat those that must hold here',
      '21: context.production.redirects[1].to must be a string, got nothing; the redirect is not used',
    ],
  );
  t.deepEqual(
    dev.problems.map(({ message }) => message),
    ['context.dev.headers replaces all [[headers]], as on the platform: repeat those that must hold here'],
  );
  t.is(dev.publish, 'dev');
  t.deepEqual(
    dev.redirects.map(({ to }) => to),
    ['/everywhere'],
  );
  t.deepEqual(dev.headers[0]?.values.get('x'), ['X', 'dev']);
});

test('tables that do not apply are listed with the reason', async (t) => {
  const root = await siteFolder(t, { 'netlify.toml': CONTEXTS, 'fn/api.js': '' });

  const { ignored } = await readNetlifyToml(root, false);

  t.deepEqual(ignored, [
    { file: 'netlify.toml', reason: '[dev] is not used: it applies with DEV=1' },
    { file: 'netlify.toml', reason: '[context.deploy-preview] is not used: the context here is production' },
    { file: 'netlify.toml', reason: '[context.dev] is not used: the context here is production' },
  ]);
});
