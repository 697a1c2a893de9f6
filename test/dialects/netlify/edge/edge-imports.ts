import { hash } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** A package in `node_modules` that exports its own name. */
function installed(name: string, version = '1.2.3'): Readonly<Record<string, string>> {
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({
      name,
      version,
      type: 'module',
      exports: { '.': './a.js', './sub': './a.js' },
    }),
    [`node_modules/${name}/a.js`]: `export const name = ${JSON.stringify(name)};`,
  };
}

/** Modules of URLs as `nexthop vendor` stores them. */
function vendored(modules: Readonly<Record<string, string>>, change = ''): Readonly<Record<string, string>> {
  const entries = Object.entries(modules).map(([url, text], index) => ({ url, text, file: `host/${index}.ts` }));
  const lock = Object.fromEntries(
    entries.map(({ url, text, file }) => [url, { file, sha256: hash('sha256', text, 'base64') }]),
  );
  return {
    '.nexthop/vendor/lock.json': JSON.stringify({
      version: 1,
      modules: { ...lock, 'https://x.test/latest.ts': 'https://x.test/a.ts' },
    }),
    ...Object.fromEntries(entries.map(({ text, file }) => [`.nexthop/vendor/${file}`, text + change])),
  };
}

const URLS = {
  'https://x.test/a.ts': 'export { name } from "./b.ts"; export interface A {}',
  'https://x.test/b.ts': 'export const name: string = "vendored";',
};

const IMPORTS: Readonly<
  Record<string, readonly [specifier: string, files: Readonly<Record<string, string>>, name: string]>
> = {
  'npm: with a version': ['npm:tiny@1.2.3', installed('tiny'), 'tiny'],
  'npm: with a path': ['npm:@s/tiny@^1.0.0/sub', installed('@s/tiny'), '@s/tiny'],
  'a bare name': ['tiny', installed('tiny'), 'tiny'],
  'jsr:': ['jsr:@scope/thing@1', installed('@jsr/scope__thing'), '@jsr/scope__thing'],
  'a URL of a server of npm packages, which are installed': ['https://esm.sh/tiny@1.2.3', installed('tiny'), 'tiny'],
  'a relative file without its extension': [
    './lib/file',
    { 'netlify/edge-functions/lib/file.ts': 'export const name = "file";' },
    'file',
  ],
  'an import map': [
    'mapped/one.ts',
    {
      'netlify.toml': '[functions]\ndeno_import_map = "conf/map.json"',
      'conf/map.json': '{ "imports": { "mapped/": "./lib/" } }',
      'conf/lib/one.ts': 'export const name = "one";',
    },
    'one',
  ],
  'an import map that leads to npm': [
    'short',
    {
      'netlify.toml': '[functions]\ndeno_import_map = "map.json"',
      'map.json': '{ "imports": { "short": "npm:tiny@1" } }',
      ...installed('tiny'),
    },
    'tiny',
  ],
  'a name of the import map of a framework': [
    'alias:one',
    {
      '.netlify/v1/edge-functions/import_map.json': '{ "imports": { "alias:one": "../../../lib/one.ts" } }',
      'lib/one.ts': 'export const name = "one";',
    },
    'one',
  ],
  'a package that is an ES module by its syntax alone': [
    'tiny/sub',
    {
      'node_modules/tiny/package.json': '{ "name": "tiny", "exports": { "./sub": "./a.js" } }',
      'node_modules/tiny/a.js': 'const it = "syntax"; export { it as name };',
    },
    'syntax',
  ],
  'a vendored URL': ['https://x.test/a.ts', vendored(URLS), 'vendored'],
  'a vendored URL that redirects': ['https://x.test/latest.ts', vendored(URLS), 'vendored'],
};

async function answerOf(t: ExecutionContext, code: string, files: Readonly<Record<string, string>> = {}) {
  const site = await siteFolder(t, { 'netlify/edge-functions/one.ts': code, ...files });
  const edge = await startEdge(t, { site });
  return { text: await edge.exchange(GET), problems: edge.edge.site.problems.map(({ message }) => message) };
}

function importing(specifier: string): string {
  return `import { name } from ${JSON.stringify(specifier)};
    export default () => new Response(name); export const config = { path: "/*" };`;
}

for (const [what, [specifier, files, name]] of Object.entries(IMPORTS)) {
  test(`an edge function imports ${what}`, async (t) => {
    const { text, problems } = await answerOf(t, importing(specifier), files);

    t.true(text.endsWith(`\r\n\r\n${name}`), `${text} ${problems}`);
    t.deepEqual(problems, []);
  });
}

const MISTAKES: Readonly<
  Record<string, readonly [specifier: string, files: Readonly<Record<string, string>>, problem: RegExp]>
> = {
  'a URL that is not vendored': [
    'https://x.test/c.ts',
    vendored(URLS),
    /x\.test\/c\.ts is not in \.nexthop\/vendor.*Run "nexthop vendor"/,
  ],
  'a vendored file that was changed': [
    'https://x.test/b.ts',
    vendored(URLS, ' '),
    /is not the file that the lock file .* names/,
  ],
  'a package that is not installed': ['npm:missing@1', {}, /needs the package missing: run "npm install missing"/],
};

for (const [what, [specifier, files, problem]] of Object.entries(MISTAKES)) {
  test(`an edge function that imports ${what} is closed, and the start says why`, async (t) => {
    const { text, problems } = await answerOf(t, importing(specifier), files);

    t.regex(text, /^HTTP\/1\.1 500 /);
    t.regex(problems.join('\n'), problem);
  });
}

test('a package in another version than an import names is a warning', async (t) => {
  const { text, problems } = await answerOf(t, importing('npm:tiny@^2.0.0'), installed('tiny'));

  t.regex(text, /\r\n\r\ntiny$/);
  t.regex(problems.join(), /imports npm:tiny@\^2\.0\.0, and node_modules has tiny 1\.2\.3/);
});

test('types of the platform are imported without content', async (t) => {
  const { text } = await answerOf(
    t,
    `import type { A } from "https://not-there.test/a.ts"; import { Context } from "netlify:edge";
     import { Config } from "https://edge.netlify.com/";
     export default (request: Request, context: Context): Response => new Response("typed" satisfies string);
     export const config: Config = { path: "/*" };`,
  );

  t.regex(text, /\r\n\r\ntyped$/);
});

test('what Deno has not may be set, and what it has not be replaced', async (t) => {
  const { text } = await answerOf(
    t,
    `Deno.cwd = () => "set";
     export default () => {
       try { Deno.env = {}; } catch (error) { return Response.json([Deno.cwd(), self === globalThis, error.name]); }
     };
     export const config = { path: "/*" };`,
  );

  t.true(text.endsWith('["set",true,"TypeError"]'), text);
});

test('Deno has env and version, and says by name what is not here', async (t) => {
  const { text } = await answerOf(
    t,
    `export default () => {
       const { env, version, readTextFile } = Deno;
       try { readTextFile("x"); } catch (error) {
         return Response.json([env.has("PATH"), env.get("NOT_THERE") ?? null, typeof version.deno, "Deno" in globalThis, error.message]);
       }
     };
     export const config = { path: "/*" };`,
  );

  t.true(text.includes('[true,null,"string",false,"Deno.readTextFile is not here:'), text);
});
