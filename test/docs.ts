import { execFile } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { align } from '../src/cli/align.ts';
import type { Command } from '../src/cli/command.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import type { EarlySignals } from '../src/cli/early-signals.ts';
import { toExitCode } from '../src/cli/explain.ts';
import { type Arguments, readArguments, readOpening } from '../src/cli/read-arguments.ts';
import { readConfig } from '../src/config/config.ts';
import { SETTINGS } from '../src/config/settings.ts';
import { Fault, type FaultCode } from '../src/contract/fault.ts';
import { UserError } from '../src/contract/user-error.ts';
import { type DocumentedCall, findCalls } from './helpers/documented-commands.ts';
import { startEdge } from './helpers/edge.ts';
import { siteFolder } from './helpers/site-folder.ts';

const ROOT = join(import.meta.dirname, '..');
const TEST_COMMAND = 'npm ci --loglevel=error && npm test';

const readme = await readFile(join(ROOT, 'README.md'), 'utf8');

test('the README has ten settings, each with its default and meaning', (t) => {
  const rows = rowsOf(readme, 'Setting');
  const all: Readonly<Record<string, { readonly default: string; readonly about: string }>> = SETTINGS;

  t.is(rows.length, 10);
  for (const [cell = '', ...rest] of rows) {
    const setting = all[cell.replaceAll('`', '')];
    t.deepEqual(rest, [toDefault(setting?.default ?? ''), setting?.about], cell);
  }
});

test('docs/settings.md has every setting with its kind, default and meaning, and says when to change it', async (t) => {
  const rows = rowsOf(await readFile(join(ROOT, 'docs/settings.md'), 'utf8'), 'Setting');

  for (const [name, { default: fallback, about }] of Object.entries(SETTINGS)) {
    const [, kind, ...rest] = rows.find(([first]) => first === `\`${name}\``) ?? [];
    t.deepEqual(rest.slice(0, 2), [toDefault(fallback), about], name);
    t.true(Boolean(kind) && Boolean(rest[2]), `${name} has no kind of value, or not when to change it`);
  }
  t.is(rows.length, Object.keys(SETTINGS).length);
});

test('docs/commands.md and the README have every command with what it does', async (t) => {
  const commands = Object.entries(COMMANDS).map(([name, { about }]) => [name, about]);
  const rows = rowsOf(await readFile(join(ROOT, 'docs/commands.md'), 'utf8'), 'Command');

  t.deepEqual(
    rows,
    commands.map(([name, about]) => [`\`nexthop ${name}\``, about]),
  );
  t.true(readme.includes(`\n${align(commands as [string, string][]).join('\n')}\n`));
});

test('docs/architecture.md has every fault with its status and origin', async (t) => {
  const rows = rowsOf(await readFile(join(ROOT, 'docs/architecture.md'), 'utf8'), 'Code');
  const inCode = [
    ...(await readFile(join(ROOT, 'src/contract/fault.ts'), 'utf8')).matchAll(/^ {2}(\w+): \{ status:/gm),
  ];
  // The names of the table in fault.ts.
  const faults = inCode.map(([, code]) => new Fault(code as FaultCode));

  t.deepEqual(
    rows.map(([code, status, origin]) => [code, Number.parseInt(status ?? '', 10), origin]),
    faults.map(({ code, status, origin }) => [`\`${code}\``, status, origin]),
  );
});

test('the commands of the README are scripts of the package', async (t) => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const named = [...readme.matchAll(/\bnpm (?:run ([\w:]+)|(start|test)\b)/g)].map(
    ([, script, builtIn]) => script ?? builtIn,
  );

  for (const script of ['demo', 'start', 'test', 'test:quick']) t.true(named.includes(script), script);
  for (const script of named)
    t.true(script !== undefined && script in scripts, `package.json has no script "${script}"`);
});

test('the build server runs the test command of the README', async (t) => {
  t.true(readme.includes(`\n${TEST_COMMAND}\n`));
  t.true((await readFile(join(ROOT, '.ci/run'), 'utf8')).includes(`(${TEST_COMMAND})`));
});

test('links between the documents lead to files', async (t) => {
  const pages = (await readdir(join(ROOT, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md'));

  for (const page of ['README.md', ...pages.map((name) => join('docs', name))]) {
    const text = await readFile(join(ROOT, page), 'utf8');
    for (const [, link = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      await t.notThrowsAsync(access(join(ROOT, dirname(page), link)), `${page} links to ${link}`);
    }
  }
});

test('files that the documents name are there', async (t) => {
  for (const page of [
    'README.md',
    'docs/architecture.md',
    'docs/operations.md',
    'docs/settings.md',
    'docs/dependencies-internals.md',
  ]) {
    const text = await readFile(join(ROOT, page), 'utf8');
    for (const [, path = ''] of text.matchAll(/`((?:src|test|examples|docs)\/[\w./-]+)`/g)) {
      await t.notThrowsAsync(access(join(ROOT, path)), `${page} names ${path}`);
    }
  }
});

/** Calls that are neither run nor read by the parser of nexthop, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  mkdir: 'of the system',
  cd: 'of the system',
  jq: 'reads what nexthop prints',
  docker: 'needs Docker: test/docker.ts',
  node: 'runs what another program has built',
  'npx astro': 'test/astro-adapter/',
  'npx ava': 'runs these tests',
};

/** Commands of nexthop that are read by its parser, but not run here, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  start: 'serves until a signal: test/cli/npm-start.ts',
  dev: 'serves until a signal: test/cli/dev.ts',
  reload: 'signals a running process: test/cli/reload.ts',
  health: 'asks the port of a server: test/cli/install.ts',
  vendor: 'fetches modules from other hosts',
  init: 'writes where the command is called: test/cli/init.ts',
};

test('each command of the README and of docs/ is one that works', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/api/hello.js':
      "export const onRequest = ({ request }) => new Response('Hello, ' + new URL(request.url).searchParams.get('name'));",
    'out/photo.jpg': Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
    'netlify.toml': '[build]\npublish = "out"\n',
    FILE: 'text',
    'FOLDER/key': 'text',
  });
  const dataDir = join(site, '.nexthop');
  const env = { DATA_DIR: dataDir, STORE_FSYNC: '0', LOG_DIR: join(site, 'logs') };
  const edge = await startEdge(t, { site, env: { ...env, PURGE_TOKEN: 'secret' } });
  // The commands of the pages read a store, which this one creates.
  const set = await parse(t, { place: 'arrange', variables: {}, args: ['blobs', 'set', 'STORE', 'KEY', 'FILE'] });
  if (set) await run(set, { site, env });
  const scripts = await readScripts();
  const pages = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
  let runs = 0;

  for (const page of ['README.md', ...pages.map((name) => `docs/${name}`)]) {
    for (const call of findCalls(page, await readFile(join(ROOT, page), 'utf8'))) {
      const { kind, place, words, variables } = call;
      // test/cli/commands-page.ts runs these and compares their output.
      if (page === 'docs/commands.md' && kind === 'shown') continue;
      const args = toNexthop(words, scripts);
      if (words[0] === 'curl') {
        const answer = kind === 'inline' ? 200 : await curl(words, edge.url);
        t.true(answer >= 200 && answer < 300, `${place} gets ${answer}`);
        runs++;
      } else if (args === undefined) {
        t.true(isElsewhere(words, scripts), `${place}: "${words.join(' ')}" is no command that a test knows`);
      } else {
        const command = await parse(t, { place, variables, args });
        if (!command || kind === 'inline' || command.name in NOT_RUN || args.includes('--from=SITE_ID')) continue;
        t.true([0, 1].includes(await run(command, { site, env })), `${place}: "${words.join(' ')}" fails`);
        runs++;
      }
    }
  }
  t.true(runs > 20, `${runs}`);
});

/** The cells of all tables whose first column has this head, row by row. */
function rowsOf(text: string, firstColumn: string): string[][] {
  const rows: string[][] = [];
  let inside = false;
  for (const line of text.split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim())
      : [];
    if (cells[0] === firstColumn) inside = true;
    else if (cells.length === 0) inside = false;
    else if (inside && !/^-+$/.test(cells[0] ?? '')) rows.push(cells);
  }
  return rows;
}

function toDefault(text: string): string {
  return text === '' ? '(empty)' : `\`${text}\``;
}

test('test/helpers/README.md has one line for each helper', async (t) => {
  const folder = join(import.meta.dirname, 'helpers');
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const lines = [...(await readFile(join(folder, 'README.md'), 'utf8')).matchAll(/^- `([^`]+)`: \S/gm)];

  t.deepEqual(lines.map(([, name]) => name).sort(), files.sort());
});

/** Scripts of npm, with those of a site that `nexthop init` or its owner writes. */
async function readScripts(): Promise<ReadonlySet<string>> {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  return new Set([...Object.keys(scripts), 'dev', 'build']);
}

/** The arguments of nexthop; undefined if the call starts another program. */
function toNexthop(words: readonly string[], scripts: ReadonlySet<string>): readonly string[] | undefined {
  const [program, first] = words;
  if (program === 'nexthop') return words.slice(1);
  if (program === 'npx' && first === 'nexthop') return words.slice(2);
  if (program === 'node' && first === 'dist/cli/cli.js') return words.slice(2);
  const at = words.indexOf('start');
  return program === 'npm' && at > 0 && scripts.has('start') ? ['start', ...words.slice(at + 2)] : undefined;
}

const NPM_COMMANDS: ReadonlySet<string | undefined> = new Set(['ci', 'install', 'pack', 'test']);

function isElsewhere(
  [program = '', first = '', second = '']: readonly string[],
  scripts: ReadonlySet<string>,
): boolean {
  if (program === 'npm') return first === 'run' ? scripts.has(second) : NPM_COMMANDS.has(first);
  return Object.hasOwn(ELSEWHERE, program) || Object.hasOwn(ELSEWHERE, `${program} ${first}`);
}

interface Parsed {
  readonly name: string;
  readonly command: Command;
  readonly given: Arguments;
}

/** Undefined for a call for help. */
async function parse(
  t: ExecutionContext,
  { place, variables, args }: Pick<DocumentedCall, 'place' | 'variables'> & { readonly args: readonly string[] },
): Promise<Parsed | undefined> {
  for (const name of Object.keys(variables)) {
    t.true(name in SETTINGS || name === 'NODE_OPTIONS', `${place}: ${name} is no setting`);
  }
  const { name = '', rest, isHelp } = readOpening(args);
  // The placeholder for any command.
  if (name === 'COMMAND' || name === 'help') return undefined;
  const entry = COMMANDS[name];
  t.truthy(entry, `${place}: there is no command ${name}`);
  if (!entry || isHelp) return undefined;
  const { command } = await entry.load();
  const given = readArguments(name, command, rest);
  t.deepEqual(given.complaints, [], place);
  t.notThrows(() => readConfig({ env: variables, flags: given.settings }), place);
  return { name, command, given };
}

interface Place {
  readonly site: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The exit code. */
function run({ command, given }: Parsed, { site, env }: Place): Promise<number> {
  const config = readConfig({ site, env, ...(command.defaults && { defaults: command.defaults }) });
  const out = (): void => {};
  const stdout = new Writable({ write: (_chunk, _encoding, done) => done() });
  const words = given.words.map((word) => (word === 'FILE' || word === 'FOLDER' ? join(site, word) : word));
  // A question is for a terminal.
  const flags = given.flags.all === true ? { ...given.flags, yes: true } : given.flags;
  const signals = {} as EarlySignals; // only servers use it
  return command
    .run({ config, flags, words, out, complain: out, commands: COMMANDS, stdout, signals })
    .catch((error: unknown) => {
      // Any other error is a defect.
      if (error instanceof UserError) return toExitCode(error);
      throw error;
    });
}

/** The status that curl gets from this server in place of port 8080. */
async function curl(words: readonly string[], url: string): Promise<number> {
  const args = words.slice(1).map((word) => {
    return word
      .replace('http://localhost:8080', url)
      .replace('$PURGE_TOKEN', 'secret')
      .replace(/^photo\.jpg$/, '/dev/null');
  });
  const { stdout } = await promisify(execFile)('curl', ['-s', ...args, '-w', '\n%{http_code}']);
  return Number(stdout.slice(-3));
}
