import { execFile } from 'node:child_process';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { CHILD_ENV } from '../helpers/child-env.ts';
import { refusingPort } from '../helpers/refusing-port.ts';
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
  'cloud-functions/api/x.js': "export const onRequestGet = () => new Response('x');",
  'netlify/functions/sweep.mjs': "export default () => {}; export const config = { schedule: '@daily' };",
  'order.json': '{ "count": 2 }',
};

/** The mistake in the site of `nexthop check`. Other commands print errors of a site, too. */
const MISTAKE = {
  'cloud-functions/api/x.js': `${SITE['cloud-functions/api/x.js']}\n\n// The mistake.\nexport const onRequestGte = 1;`,
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

test('the page shows calls of start, check, routes and invoke, and a word of other command lines', (t) => {
  const names = new Set(calls.map(({ line }) => /nexthop (\w+)/.exec(line)?.[1]));

  t.deepEqual([...names].sort(), ['check', 'invoke', 'preview', 'routes', 'start']);
});

const [, outputs = ''] = page.split('## Output for scripts');

/** The row of a command in the table of `--json`: the keys that are always there, and the others. */
function keysOf(command: string): readonly (readonly string[])[] {
  const [, cell = ''] = new RegExp(`^\\| \`nexthop ${command}\` \\| (.*) \\|$`, 'm').exec(outputs) ?? [];
  const [always = '', others = ''] = cell.split(';', 2);
  return [always, others].map((part) => [...part.matchAll(/`(\w+)`/g)].map(([, key = '']) => key));
}

for (const [command, args = [command]] of [
  ['build'],
  ['check'],
  ['vendor'],
  ['routes'],
  ['routes /path', ['routes', '/api/hello']],
  ['jobs schedules', ['jobs', 'schedules']],
  ['health'],
] as const) {
  test(`docs/commands.md has the keys that "nexthop ${command} --json" prints`, async (t) => {
    const site = await siteFolder(t, SITE);
    const env = { ...CHILD_ENV, PORT: String(await refusingPort(t)) };
    const of = command === 'health' ? [] : [`--site=${site}`];
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args, '--json', ...of], { env }).catch(
      (error: { stdout: string }) => error, // of execFile, for the exit code 1
    );

    const printed = Object.keys(JSON.parse(stdout));
    const [always = [], others = []] = keysOf(command);
    t.deepEqual(
      printed.filter((key) => !others.includes(key)),
      printed.filter((key) => always.includes(key)),
    );
    t.deepEqual(
      always.filter((key) => !printed.includes(key)),
      [],
    );
  });
}

for (const { line, output } of calls) {
  test(`docs/commands.md shows what "${line}" prints`, async (t) => {
    const folder = await siteFolder(t);
    const site = join(folder, 'my-site');
    await rename(await siteFolder(t, { ...SITE, ...(line.includes('nexthop check') && MISTAKE) }), site);
    const words = (line.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replaceAll("'", ''));
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
      .replace(/(date"?: "?)[^"\n]*/, '$1Mon, 30 Nov 2026 00:00:00 GMT')
      .replace(/(x-request-id"?: "?)[^"\n]*/, '$1f3a7c0de95f4b7d8000000001');
    t.is(printed.trim(), output);
  });
}
