import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { align } from '../src/cli/align.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { SETTINGS } from '../src/config/settings.ts';
import { Fault, type FaultCode } from '../src/contract/fault.ts';

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
