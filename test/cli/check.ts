import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type CheckOptions, check } from '../../src/cli/check.ts';
import { readConfig } from '../../src/config/config.ts';
import { runNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** A project without a mistake. */
const GOOD = {
  'package.json':
    '{ "scripts": { "start": "nexthop start" },\n"dependencies": { "nexthop": "^1.0.0" }, "devDependencies": { "left-pad": "1.0.0" } }',
  'package-lock.json':
    '{ "lockfileVersion": 3, "packages": { "": { "dependencies": { "nexthop": "^1.0.0" }, "devDependencies": { "left-pad": "1.0.0" } } } }',
  '.gitignore': '# dependencies\n/node_modules/\n',
  'cloud-functions/hello.js': 'export const onRequestGet = () => new Response("hello");',
};

async function run(site: string, options: CheckOptions = {}, env = {}): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const code = await check(readConfig({ site, env }), (line) => lines.push(line), options);
  return { code, text: lines.join('\n') };
}

test('a site without a mistake is checked in silence', async (t) => {
  const site = await siteFolder(t, GOOD);

  t.deepEqual(await run(site), { code: 0, text: '' });
  t.deepEqual(await run(site, { strict: true }), { code: 0, text: '' });
  t.deepEqual(JSON.parse((await run(site, { json: true })).text), { site, good: true, problems: [], notes: [] });
});

test('each mistake of a site is printed with its place, and errors make the exit code 1', async (t) => {
  const site = await siteFolder(t, {
    ...GOOD,
    'node_modules/left-pad/index.js': 'module.exports = 1;',
    'public/about.html': 'about',
    'cloud-functions/about.js': 'export const onRequest = () => 1;',
    'cloud-functions/api/x.js': `import pad from 'left-pad';
import { y } from './_y.js';
export const config = { bdy: 'stream' };
export const onRequestGte = () => pad;
export const onRequestGet = () => fetch('https://next-hop/' + y);`,
    'cloud-functions/api/_y.js': 'export const y = 1;',
    'cloud-functions/twice.js': 'export const onRequest = () => 1;',
    'cloud-functions/twice/index.js': 'export const onRequest = () => 2;',
    'edgeone.json': '{\n"redirect": [] }',
  });

  const { code, text } = await run(site, {}, { NEXTHOP: 'x' });

  t.is(code, 1);
  t.is(
    `\n${text}\n`,
    `
${site}: 2 errors, 6 warnings
  warning  cloud-functions/about.js       never answers GET, HEAD /about: the file public/about.html answers first; remove one of the two, or give it another path
  warning  cloud-functions/api/x.js:1     imports "left-pad" of devDependencies, which npm ci --omit=dev does not install: move it to dependencies
  warning  cloud-functions/api/x.js:3:25  bdy is not used; did you mean body?
  error    cloud-functions/api/x.js:4:14  onRequestGte is not a handler of EdgeOne and is never called; did you mean onRequestGet?
  error    cloud-functions/api/x.js:5     uses https://next-hop: the next hop is HTTP on port 80 only, http://next-hop; add X-Forwarded-Proto: https for HTTPS to the origin
  warning  cloud-functions/twice.js       never answers: cloud-functions/twice/index.js has the same route, /twice, and takes precedence
  warning  edgeone.json:2:13              redirect is no key of edgeone.json and is not used; did you mean redirects?
  warning  environment                    NEXTHOP is no setting of nexthop; did you mean NEXT_HOP?
`,
  );
});

test('warnings alone make the exit code 1 only with --strict', async (t) => {
  const site = await siteFolder(t, { ...GOOD, 'edgeone.json': '{ "redirect": [] }' });

  t.is((await run(site)).code, 0);
  t.is((await run(site, { strict: true })).code, 1);
});

const OWN = { name: 'package.json', text: '"dependencies": { "nexthop": "^1.0.0" }' };

for (const [what, files, complaint] of [
  [
    'without a start script',
    { 'package.json': '{ "scripts": { "strat": "nexthop start" } }' },
    'package.json         has no start script; add "start": "nexthop start"; did you mean strat?',
  ],
  [
    'that sets the port',
    start('PORT=80 nexthop start'),
    'package.json:1  the start script sets the port: the platform sets PORT',
  ],
  [
    'with another next hop',
    start('nexthop start --next-hop=http://origin'),
    'package.json:1  the start script sends requests to http://origin: the contract allows http://next-hop:80 only, which is the default',
  ],
  [
    'with another log folder',
    start('nexthop start --log-dir=logs'),
    'package.json:1  the start script writes logs to logs: the contract wants them below /var/log/nodejs, the default',
  ],
  [
    'with a certificate',
    start('SERVER_CERT_PATH=a.pem nexthop start'),
    'package.json:1  the start script serves HTTPS: the contract wants HTTP',
  ],
  [
    'that does not depend on nexthop',
    { 'package.json': '{ "scripts": { "start": "nexthop start" } }' },
    'package.json:1     the start script needs the package nexthop, which is not in dependencies: npm install nexthop',
  ],
  [
    'with a broken package.json',
    { 'package.json': '{' },
    'package.json  is not valid JSON, so npm can neither install nor start it',
  ],
  [
    'without a lock file',
    { 'package-lock.json': undefined, 'yarn.lock': '' },
    'package-lock.json  is missing: yarn.lock is of another package manager; run "npm install" and commit the file',
  ],
  [
    'with a lock file of something else',
    { 'package-lock.json': '[]' },
    'package-lock.json  is not a lock file of npm; delete it and run "npm install"',
  ],
  [
    'with an old lock file',
    {
      'package-lock.json': '{ "lockfileVersion": 3, "packages": { "": { "dependencies": { "nexthop": "^1.0.0" } } } }',
    },
    'package-lock.json  does not fit package.json in devDependencies: left-pad; "npm ci" fails: run "npm install"',
  ],
  ['without .gitignore', { '.gitignore': undefined }, '.gitignore  is missing: it must contain the line node_modules'],
  [
    'that commits node_modules',
    { '.gitignore': '*.log\nnode_modules_old' },
    '.gitignore  does not ignore node_modules: add that line',
  ],
  [
    'whose function does not compile',
    { 'cloud-functions/bad.js': 'export const onRequest = ];' },
    'cloud-functions/bad.js:1:26  Unexpected "]"',
  ],
] as const) {
  test(`a project ${what} does not fulfil the contract`, async (t) => {
    const { code, text } = await run(await siteFolder(t, without({ ...GOOD, ...files })));

    t.is(code, 1);
    t.true(squeeze(text).includes(squeeze(`error ${complaint}`)), text);
  });
}

function start(script: string): Readonly<Record<string, string>> {
  return {
    'package.json': `{ "scripts": { "start": "${script}" },\n${OWN.text}, "devDependencies": { "left-pad": "1.0.0" } }`,
  };
}

function without(files: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter((file): file is [string, string] => file[1] !== undefined));
}

function squeeze(text: string): string {
  return text.replaceAll(/ +/g, ' ');
}

test('a site below its project is checked with the project, and one without a project is warned', async (t) => {
  const { 'cloud-functions/hello.js': hello, ...project } = GOOD;
  const folder = await siteFolder(t, { ...project, '.gitignore': '', 'site/cloud-functions/hello.js': hello });
  const lonely = await siteFolder(t, { '.git/HEAD': '', 'cloud-functions/hello.js': hello });

  t.regex((await run(join(folder, 'site'))).text, /error {2}\.\.\/\.gitignore {2}does not ignore node_modules/);
  t.regex((await run(lonely)).text, /warning {2}package\.json {2}is missing: Section needs/);
});

test('a project that neither depends on nexthop nor calls it has no contract, except for the next hop in its code', async (t) => {
  const files = { 'package.json': '{ "scripts": { "build": "vite build" } }', 'yarn.lock': '' };
  const code = 'export const onRequest = () => fetch("https://next-hop/");';

  t.deepEqual(await run(await siteFolder(t, files)), { code: 0, text: '' });
  const { text } = await run(await siteFolder(t, { ...files, 'cloud-functions/a.js': code }));
  t.regex(text, /^.*: 1 error\n {2}error {2}cloud-functions\/a\.js:1 {2}uses https:\/\/next-hop: .*$/);
});

test('types are checked with the TypeScript of the site', async (t) => {
  const site = await siteFolder(t, {
    ...GOOD,
    'tsconfig.json': '{ "compilerOptions": { "strict": true, "types": [], "lib": ["es2024", "dom"] } }',
    'cloud-functions/typed.ts': 'export const onRequestGet = (): string =>\n  1;',
  });
  await symlink(join(import.meta.dirname, '../../node_modules'), join(site, 'node_modules'));

  const { code, text } = await run(site);

  t.is(code, 1);
  t.regex(text, /\n {2}error {2}cloud-functions\/typed\.ts:2:3 {2}Type 'number' is not assignable to type 'string'\.$/);
});

test('on the command line, code that ends the process or listens is reported and the check goes on', async (t) => {
  const site = await siteFolder(t, {
    ...GOOD,
    'cloud-functions/exits.js': 'process.exit(0); export const onRequest = () => 1;',
    'cloud-functions/listens.js':
      "import { createServer } from 'node:http'; createServer().listen(3000); export const onRequest = () => 1;",
  });

  const running = await runNexthop(t, { args: ['check', site] });

  t.is(await running.exited, 1);
  t.regex(running.stdout(), /error +cloud-functions\/exits\.js/);
  t.regex(running.stdout(), /note .*listen\(3000\) at cloud-functions\/listens\.js:1:\d+ opens no port/);
});

test('one mistake is one line: of syntax, of a key, of an export, of a path that two functions have', async (t) => {
  const site = await siteFolder(t, {
    ...GOOD,
    'tsconfig.json': '{ "files": [] }',
    // It prints what TypeScript prints of the same mistake.
    'node_modules/typescript/package.json': '{ "bin": { "tsc": "./tsc.js" } }',
    'node_modules/typescript/tsc.js': `console.log("cloud-functions/broken.ts(1,12): error TS1005: ')' expected.");
      console.log("cloud-functions/broken.ts(2,1): error TS1005: '}' expected.");
      console.log("cloud-functions/missing.ts(1,17): error TS2307: Cannot find module './gone.ts'.");
      console.log("cloud-functions/missing.ts(2,1): error TS2322: Type 'string' is not assignable.");`,
    'cloud-functions/broken.ts': 'export const onRequest = (',
    'cloud-functions/missing.ts': "import gone from './gone.ts';\nexport const onRequest = () => gone;",
    'edge-functions/hello.js': 'export const onRequest = () => 1;',
    'edgeone.json': '{ "redirects": [{ "source": "/a", "destinaton": "/b", "statusCode": 301 }] }',
    'middleware.js': 'export const middlewar = () => 1;',
    'netlify/functions/none.mjs': 'export const handlr = () => 1;',
    'netlify.toml': '[[redirects]]\nfrom = "/x"\ntoo = "/y"\n[functions.nome]\nschedule = "@daily"\n',
    'netlify/edge-functions/e.js': 'export default () => {}; export const config = { path: "/e", onEror: "fail" };',
  });

  const { text } = await run(site);

  const lines = text.split('\n').slice(1);
  t.deepEqual(
    lines.map((line) => line.trim().replaceAll(/ {2,}/g, ' ').slice(0, 60)),
    [
      'error cloud-functions/broken.ts:1:27 Unexpected end of file',
      'warning cloud-functions/hello.js never answers GET /hello: e',
      'error cloud-functions/missing.ts:1:18 "./gone.ts" does not e',
      "error cloud-functions/missing.ts:2:1 Type 'string' is not as",
      'error edgeone.json:1:49 redirects[0].destinaton is no key; t',
      'error middleware.js:1:14 exports no function named middlewar',
      'error netlify.toml:3 redirects[0].too is no key of a redirec',
      'warning netlify.toml:4 functions.nome names no function of t',
      'warning netlify/edge-functions/e.js:1:70 onEror is no settin',
      'error netlify/functions/none.mjs:1:1 handlr is no export tha',
    ],
  );
});

test('a function that reads what context.agent lacks is named', async (t) => {
  const site = await siteFolder(t, {
    ...GOOD,
    'cloud-functions/hello.js': `export const onRequestGet = (context) =>
  new Response(context.agent.store && context.agent.memory);`,
  });

  t.regex(
    (await run(site)).text,
    /warning {2}cloud-functions\/hello\.js:2 {2}reads context\.agent\.memory, which does not exist here/,
  );
});

for (const [what, files, expected] of [
  ['an Astro project without a build', {}, 'run npx astro build'],
  [
    'one with a script that builds',
    { 'package.json': '{ "scripts": { "build": "astro build" } }' },
    'run npm run build',
  ],
  ['one with a static build', { 'dist/index.html': 'home' }, undefined],
] as const) {
  test(`${what} is ${expected === undefined ? 'checked in silence' : `told to ${expected}`}`, async (t) => {
    const site = await siteFolder(t, {
      'astro.config.mjs': 'export default {};',
      'src/pages/index.astro': 'x',
      ...files,
    });

    const { code, text } = await run(site);

    t.is(code, 0);
    t.is(text.includes('warning  astro.config.mjs  the site has no build, so its pages are not served'), !!expected);
    t.true(text.includes(expected ?? ''));
  });
}
