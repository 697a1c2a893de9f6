import test from 'ava';
import { readNetlifyToml } from '../../../../src/dialects/netlify/config/netlify-toml.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const UNKNOWN = `# """ and '''
[build]
  comand = "npm run build"
  publsih = "public"
  nonsense = 1
[functions]
  node_bundlerr = "esbuild"
  directroy = "api"
[functions."api_*"]
  timout = 3
  nothing = { like = "it" }
[contxt.production]
  command = "x"
[context.production]
  publsh = "out"
[dev]
  targtPort = 3000
[[redirects]]
  form = "/a"
  from = "/a"
  to = "/b"
  conditions = { Contry = ["de"] }
[[headers]]
  for = "/*"
  vlaues = {}
`;

test('each unknown key is reported with its line and the nearest known key', async (t) => {
  const root = await siteFolder(t, { 'netlify.toml': UNKNOWN });

  const { problems, redirects } = await readNetlifyToml(root, false);

  const unknown = problems.filter(({ message }) => message.includes('is no key'));
  t.true(problems.every(({ file }) => file === 'netlify.toml'));
  t.deepEqual(
    problems.filter(({ severity }) => severity === 'error').map(({ line }) => line),
    [19, 22, 25],
    'what is not used because of such a key is an error',
  );
  const WHAT = 'is no key of netlify.toml and is not used';
  t.deepEqual(
    unknown.map(({ line, message }) => `${line}: ${message}`),
    [
      '19: redirects[0].form is no key of a redirect; did you mean from?; the redirect is not used',
      '22: redirects[0].conditions.Contry is no key of a redirect; did you mean Country?; the redirect is not used',
      '25: headers[0].vlaues is no key of a header rule; did you mean values?; the headers are not used',
      `12: contxt ${WHAT}; did you mean context?`,
      `3: build.comand ${WHAT}; did you mean command?`,
      `4: build.publsih ${WHAT}; did you mean publish?`,
      `5: build.nonsense ${WHAT}`,
      `17: dev.targtPort ${WHAT}; did you mean targetPort?`,
      `7: functions.node_bundlerr ${WHAT}; did you mean node_bundler?`,
      `8: functions.directroy ${WHAT}; did you mean directory?`,
      `10: functions."api_*".timout ${WHAT}; did you mean timeout?`,
      `11: functions."api_*".nothing ${WHAT}`,
      `15: context.production.publsh ${WHAT}; did you mean publish?`,
    ],
  );
  t.deepEqual(redirects, []);
});

/** Keys of real sites, in every table of the platform's documentation. */
const KEYS = `
[Build]
  Base = "/"
  Command = "npm run build"
  Publish = "public"
  Environment = { NODE_VERSION = "24", PUBLSH = "x" }
  edge_functions = "edge"
  ignore = "exit 1"
[build.processing]
  skip_processing = false
  css = { bundle = true, minify = true }
[functions]
  directory = "netlify/functions"
  node_bundler = "esbuild"
  included_files = ["a/**"]
  external_node_modules = ["x"]
[functions.directry]
  schedule = "@daily"
  timeout = 3
[functions."*"]
  memory = 1024
[[plugins]]
  package = "x"
  inputs = { comand = 1 }
[template]
  incoming-hooks = ["Contentful"]
[template.environment]
  TOKEN = "change me"
[context.production]
  command = "x"
  environment = { A = "b" }
[context.deploy-preview.environment]
  publsh = "x"
[context.staging.build]
  publish = "public"
[dev]
  command = "astro dev"
  port = 8888
  targetPort = 4321
  autoLaunch = false
  framework = "#custom"
  https = { certFile = "a", keyFile = "b" }
[images]
  remote_images = ["https://x.example/*"]
[[integrations]]
  name = "x"
[database.migrations]
  path = "x"
[skew_protection]
  enabled = true
[something_new]
  of = "the platform"
[[redirects]]
  from = "/a"
  to = "/b"
  query = { id = ":id" }
  conditions = { Country = ["de"], language = ["de"], Role = ["x"], Cookie = ["y"] }
  headers = { X-From = "a" }
  signed = "KEY"
  rate_limit = { window_limit = 9, window_size = 1, aggregate_by = "ip" }
[[redirects]]
  origin = "/c"
  destination = "/d"
  params = { a = "1" }
`;

test('no key of the platform is reported in any table', async (t) => {
  const root = await siteFolder(t, { 'netlify.toml': KEYS, 'netlify/functions/a.js': '' });

  const { problems } = await readNetlifyToml(root, false);

  t.deepEqual(problems, []);
});

for (const [title, text, isDev, publish] of [
  ['[build]', '[build]\npublish = "a/"', false, 'a'],
  ['capitals', '[Build]\nPublish = "a"', false, 'a'],
  ['the context of production', '[build]\npublish = "a"\n[context.production]\npublish = "b"', false, 'b'],
  ['its [build]', '[build]\npublish = "a"\n[context.production.build]\npublish = "b"', false, 'b'],
  ['another context', '[build]\npublish = "a"\n[context.deploy-preview]\npublish = "b"', false, 'a'],
  ['[dev] in production', '[build]\npublish = "a"\n[dev]\npublish = "b"', false, 'a'],
  ['[dev] in development', '[build]\npublish = "a"\n[dev]\npublish = "b"', true, 'b'],
  ['the context dev in development', '[build]\npublish = "a"\n[context.dev]\npublish = "b"', true, 'b'],
  ['the top of the site', '[build]\npublish = "/"', false, '.'],
  ['nothing', '[build]\ncommand = "x"', false, undefined],
] as const) {
  test(`the published folder: ${title}`, async (t) => {
    const root = await siteFolder(t, { 'netlify.toml': text });

    t.is((await readNetlifyToml(root, isDev)).publish, publish);
  });
}

for (const [title, files, message] of [
  ['is not built', {}, /^build\.publish names dist, which does not exist: build the site first$/],
  ['has no index.html', { 'dist/app.js': '' }, /^build\.publish names dist, which has no index\.html: /],
  ['has one', { 'dist/index.html': '' }, undefined],
  ['is a build of Astro', { 'dist/client/a.txt': '', 'dist/server/entry.mjs': '' }, undefined],
] as const) {
  test(`a published dist that ${title} is ${message ? 'reported' : 'not reported'}`, async (t) => {
    const root = await siteFolder(t, { 'netlify.toml': '\n[build]\npublish = "dist"', ...files });

    const { problems } = await readNetlifyToml(root, false);

    t.is(problems.length, message ? 1 : 0);
    if (message) t.like(problems[0], { file: 'netlify.toml', line: 3 });
    if (message) t.regex(problems[0]?.message ?? '', message);
  });
}
