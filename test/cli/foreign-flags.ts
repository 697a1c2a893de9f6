import test from 'ava';
import type { Command } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { readArguments, readOpening } from '../../src/cli/read-arguments.ts';

async function load(name: string): Promise<Command> {
  const entry = COMMANDS[name];
  if (!entry) throw new Error(`no command ${name}`);
  return (await entry.load()).command;
}

for (const [line, complaint] of [
  ['dev --watch', 'dev has no flag --watch: nexthop dev always watches the files of the site'],
  [
    'start -w',
    'start has no flag -w: nexthop dev uses saved files at once; nexthop reload makes a running server read the site again',
  ],
  ['logs --tail', 'logs has no flag --tail; did you mean --follow?'],
  ['dev --ip=0.0.0.0', 'dev has no flag --ip; did you mean --host?'],
  ['dev --inspect', 'dev has no flag --inspect: NODE_OPTIONS=--inspect nexthop dev opens the inspector'],
  ['init --root=x', 'init has no flag --root; "nexthop init --help" lists its flags'],
  ['start -f', 'start has no flag -f (a flag of nexthop logs); "nexthop start --help" lists its flags'],
  ['dev --host', '--host needs a value: --host=VALUE (address to listen on; empty: all interfaces)'],
] as const) {
  test(`"nexthop ${line}" is refused: ${complaint}`, async (t) => {
    const [name = '', ...rest] = line.split(' ');
    const others = { dev: await load('dev'), logs: await load('logs') };

    t.deepEqual(readArguments(name, await load(name), rest, others).complaints, [complaint]);
  });
}

test('short flags mean the long ones, with the value in the next word or in the same one', async (t) => {
  const logs = await load('logs');
  const curl = ['/a', '-X', 'PUT', '-d', '{}', '-H', 'A: b', '-H', 'C: d'];

  t.like(readOpening(['-p', '3000', 'dev']), { name: 'dev', rest: ['-p', '3000'] });
  for (const port of [['-p', '80'], ['-p80'], ['-p=80'], ['--port=80']]) {
    t.deepEqual(readArguments('logs', logs, port).settings, { PORT: '80' });
  }
  t.like(readArguments('logs', logs, ['-f', '-n', '5', 'my-site']), {
    flags: { follow: true, limit: '5' },
    site: 'my-site',
    complaints: [],
  });
  t.deepEqual(readArguments('invoke', await load('invoke'), curl).flags, {
    method: 'PUT',
    data: '{}',
    header: 'A: b\nC: d',
  });
});

test('no two flags of a command have the same short form', async (t) => {
  for (const name of Object.keys(COMMANDS)) {
    const shorts = Object.values((await load(name)).flags ?? {}).flatMap(({ short = [] }) => short);
    t.is(new Set([...shorts, 'p', 'h']).size, shorts.length + 2, name);
  }
});
