import { execFile } from 'node:child_process';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { CHILD_ENV } from '../helpers/child-env.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const CLI = join(ROOT, 'src/cli/cli.ts');

/** The site of the page. */
const SITE = {
  'package.json': '{ "dependencies": { "nexthop": "^1.0.0" } }',
  'package-lock.json': '{ "lockfileVersion": 3, "packages": { "": { "dependencies": { "nexthop": "^1.0.0" } } } }',
  '.gitignore': 'node_modules',
  'middleware.js': 'export const middleware = ({ next }) => next();',
  'public/about.html': 'about',
  'cloud-functions/about.js': 'export const onRequest = () => new Response("about");',
  'cloud-functions/api/hello.js':
    "export const onRequestGet = ({ request }) => new Response('Hello, ' + new URL(request.url).searchParams.get('name') + '!\\n');",
  'cloud-functions/api/orders.js': 'export const onRequestPost = ({ request }) => ({ ordered: request.body.count });',
  'cloud-functions/api/users/[id].js': 'export const onRequestGet = () => new Response("a user");',
  'cloud-functions/api/[[default]].js': 'export const onRequest = () => new Response("all");',
  'cloud-functions/api/x.js':
    "export const onRequestGet = () => new Response('x');\n\n// The mistake.\nexport const onRequestGte = 1;",
  'netlify/functions/sweep.mjs': "export default () => {}; export const config = { schedule: '@daily' };",
  'order.json': '{ "count": 2 }',
};

interface Shown {
  /** The line after the prompt. */
  readonly line: string;
  readonly output: string;
}

/** The calls of nexthop on the page, with their output. */
function readCalls(page: string): readonly Shown[] {
  const blocks = [...page.matchAll(/^```\n(\$ [\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [line = '', ...rest] = text.split('\n');
        return { line, output: rest.join('\n').trim() };
      }),
  );
}

const page = await readFile(join(ROOT, 'docs/commands.md'), 'utf8');
const calls = readCalls(page);

test('the page shows calls of start, check, routes and invoke', (t) => {
  const names = new Set(calls.map(({ line }) => /nexthop (\w+)/.exec(line)?.[1]));

  t.deepEqual([...names].sort(), ['check', 'invoke', 'routes', 'start']);
});

for (const { line, output } of calls) {
  test(`docs/commands.md shows what "${line}" prints`, async (t) => {
    const folder = await siteFolder(t);
    const site = join(folder, 'my-site');
    await rename(await siteFolder(t, SITE), site);
    const words = line.split(' ');
    const variables = words.slice(0, words.indexOf('nexthop')).map((word) => word.split('='));
    const args = words.slice(words.indexOf('nexthop') + 1);
    // The page is read in the folder above the site where it names the site, else in the site.
    const cwd = args.some((arg) => arg.endsWith('my-site')) ? folder : site;
    const env = { ...CHILD_ENV, ...Object.fromEntries(variables) };

    const { stdout, stderr } = await promisify(execFile)(process.execPath, [CLI, ...args], { cwd, env }).catch(
      (error: { stdout: string; stderr: string }) => error, // of execFile
    );

    const printed = `${stderr}${stdout}`
      .replaceAll(folder, '/srv')
      .replace(/^date: .*$/m, 'date: Mon, 30 Nov 2026 00:00:00 GMT')
      .replace(/^(x-request-id: ).*$/m, '$1f3a7c0de95f4b7d8000000001');
    t.is(printed.trim(), output);
  });
}
