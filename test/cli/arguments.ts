import test from 'ava';
import { defineCommand } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { toHelp, toSettingsHelp, toUsage } from '../../src/cli/help.ts';
import { readArguments, readOpening } from '../../src/cli/read-arguments.ts';
import { runNexthop } from '../helpers/process.ts';

const TEST = defineCommand({
  forms: ['test [SITE]'],
  about: 'is for tests.',
  flags: { json: { about: 'print JSON' }, limit: { value: 'COUNT', about: 'at most this many' } },
  examples: [],
  exits: { 0: 'done' },
  run: async () => 0,
});

const WORDS = defineCommand({ ...TEST, words: 'own' });

test('flags, settings, the site and words are read in any order', (t) => {
  const line = ['--limit', '3', 'my-site', '--log-dir=', '--json', '--port', '80'];

  t.deepEqual(readArguments('test', TEST, line), {
    flags: { limit: '3', json: true },
    settings: { LOG_DIR: '', PORT: '80' },
    words: [],
    site: 'my-site',
    complaints: [],
  });
  t.like(readArguments('test', WORDS, ['show', '--', '--json', '--site=x']), {
    flags: {},
    words: ['show', '--json', '--site=x'],
    site: undefined,
  });
});

test('values of a flag that may be given more than once are kept apart', async (t) => {
  const { command } = (await COMMANDS.invoke?.load()) ?? { command: TEST };
  const line = ['/a', '--header', 'X-A: b, c', '--header=X-A: d'];

  t.like(readArguments('invoke', command, line), { flags: { header: 'X-A: b, c\nX-A: d' }, complaints: [] });
});

for (const [line, complaint] of [
  ['--limt=3', 'test has no flag --limt; did you mean --limit?'],
  ['--LOG_DIR=x', 'test has no flag --LOG_DIR; did you mean --log-dir?'],
  ['--frobnicate', 'test has no flag --frobnicate; "nexthop test --help" lists its flags'],
  ['--since=1h', 'test has no flag --since; "nexthop test --help" lists its flags'],
  ['--sit=x', 'test has no flag --sit; did you mean --site?'],
  ['-q', 'test has no flag -q; "nexthop test --help" lists its flags'],
  ['--limit', '--limit needs a value: --limit=COUNT'],
  ['--limit --json', '--limit needs a value, got the flag --json; write --limit=COUNT'],
  ['--json=yes', '--json has no value, got "yes"'],
  ['one two', 'one site at a time, got "two" too'],
  ['--site=one two', 'one site at a time, got "two" too'],
] as const) {
  test(`"${line}" is refused: ${complaint}`, (t) => {
    t.true(readArguments('test', TEST, line.split(' ')).complaints.includes(complaint));
  });
}

test('a flag of another command is refused with the name of that command', async (t) => {
  const open = await runNexthop(t, { args: ['start', '--open'] });
  const json = await runNexthop(t, { args: ['start', '--json'] });

  t.is(await open.exited, 2);
  t.is(
    open.output(),
    'nexthop: start has no flag --open (a flag of nexthop dev); "nexthop start --help" lists its flags\n',
  );
  t.is(await json.exited, 2);
  t.is(
    json.output(),
    'nexthop: start has no flag --json; "nexthop start --help" lists its flags\n',
    'too many have it',
  );
});

test('a site is refused by a command that would ignore it', async (t) => {
  const { command = TEST } = (await COMMANDS.init?.load()) ?? {};
  const bare = defineCommand({ ...TEST, hasSite: false });

  t.deepEqual(readArguments('init', command, ['x', '--site=y']).complaints, [
    'init has no flag --site; "nexthop init --help" lists its flags',
  ]);
  t.deepEqual(readArguments('test', bare, ['x']).complaints, ['test has no site, got "x"']);
  t.false(toHelp(command).includes('--site'));
});

test('the name of the command is found after flags, and not in their values', (t) => {
  t.like(readOpening(['--port', '80', 'routes', 'x']), { name: 'routes', rest: ['--port', '80', 'x'], isHelp: false });
  t.like(readOpening(['jobs', 'show', '-h']), { name: 'jobs', isHelp: true });
  t.like(readOpening(['start', '--version']), { name: 'start', isVersion: false });
  t.like(readOpening(['-v']), { name: undefined, isVersion: true });
  t.like(readOpening(['-V']), { name: undefined, isVersion: true });
});

for (const [name, { about, load }] of Object.entries(COMMANDS)) {
  test(`nexthop ${name} --help has at most 80 columns, two examples and its exit codes`, async (t) => {
    const { command } = await load();
    const help = toHelp(command);

    t.true(about.length <= 60, about);
    t.deepEqual(
      help.split('\n').filter((line) => line.length > 80),
      [],
    );
    t.true(command.examples.length >= 2 && Object.keys(command.exits).length >= 1);
    for (const [line] of command.examples) t.regex(line, new RegExp(`\\bnexthop ${name}\\b|openTestEdge`));
    for (const flag of Object.keys(command.flags ?? {})) t.true(help.includes(`--${flag}`), flag);
    t.true(command.forms.every((form) => form.split(' ')[0] === name));
  });
}

test('the examples of all commands have flags that their commands know', async (t) => {
  for (const [name, { load }] of Object.entries(COMMANDS)) {
    const { command } = await load();
    for (const [line] of command.examples) {
      const [, rest = ''] = line.split(`nexthop ${name}`);
      const words = rest.split(/[|>]/)[0]?.split(' ').filter(Boolean) ?? [];
      t.deepEqual(readArguments(name, command, words).complaints, [], line);
    }
  }
});

test('the list of commands and of settings has at most 80 columns', (t) => {
  const lines = `${toUsage()}\n${toSettingsHelp()}`.split('\n');

  t.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
});

test('nexthop without a command starts nothing: it prints the commands and exits with 2', async (t) => {
  const bare = await runNexthop(t, { args: [] });

  t.is(await bare.exited, 2);
  t.is(bare.stdout(), '');
  t.is(bare.output(), `${toUsage()}\n`);
});

test('wrong flags, settings and misspelt settings are reported in one round', async (t) => {
  const env = { PORT: 'http', NEXTHOP: 'http://127.0.0.1:1' };
  const running = await runNexthop(t, { args: ['start', '--prot=1', '--drain-timeout=soon'], env });

  t.is(await running.exited, 2);
  t.is(
    running.output(),
    `nexthop: 4 mistakes in the flags and settings
  start has no flag --prot; did you mean --port?
  PORT must be a whole number from 0 to 65535, got "http"
  DRAIN_TIMEOUT must be a duration such as "500ms", "25s", "2m" or "1h", at most 24 days, got "soon"
  NEXTHOP is no setting of nexthop; did you mean NEXT_HOP?
`,
  );
});

for (const args of [['--help'], ['help'], ['help', 'settings'], ['routes', '--help'], ['--version']]) {
  test(`nexthop ${args.join(' ')} prints to stdout and exits with 0, also with an invalid setting`, async (t) => {
    const running = await runNexthop(t, { args, env: { PORT: 'http' } });

    t.is(await running.exited, 0);
    t.is(running.stdout(), running.output());
    t.true(running.stdout().length > 5);
  });
}

test('a folder in the place of a command is taken for a site that is to be started', async (t) => {
  const running = await runNexthop(t, { args: ['/tmp'] });

  t.is(await running.exited, 2);
  t.is(running.output(), 'nexthop: there is no command "/tmp"; did you mean nexthop start /tmp?\n');
});
