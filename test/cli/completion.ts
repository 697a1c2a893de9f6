import { execFile } from 'node:child_process';
import { accessSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { COMMANDS } from '../../src/cli/commands.ts';
import { toScript } from '../../src/cli/completion.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { siteFolder } from '../helpers/site-folder.ts';

for (const [words, expected] of [
  [['nexthop', 'ro'], 'routes'],
  [['nexthop', 'routes', '--meth'], '--method='],
  [['nexthop', 'jobs', '--al'], '--all'],
  [['nexthop', 'start', '--log-d'], '--log-dir='],
  [['nexthop', 'init', '--log-d'], ''],
  [['nexthop', 'routes', 'my-s'], 'my-site'],
] as const) {
  test(`bash completes "${words.join(' ')}" to "${expected}"`, async (t) => {
    const folder = await siteFolder(t, { 'my-site/a.txt': '', 'script.bash': await toScript(['bash'], COMMANDS) });
    const ask = `source script.bash; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _nexthop; echo "\${COMPREPLY[*]}"`;

    t.is((await promisify(execFile)('bash', ['-c', ask], { cwd: folder })).stdout, `${expected}\n`);
  });
}

for (const shell of ['zsh', 'fish'] as const) {
  test(`the script for ${shell} has each command with its own flags`, async (t) => {
    const script = await toScript([shell], COMMANDS);

    for (const [name, { load }] of Object.entries(COMMANDS)) {
      t.true(script.includes(name));
      for (const flag of Object.keys((await load()).command.flags ?? {})) {
        t.regex(
          script,
          shell === 'zsh' ? new RegExp(`^  ${name}\\) .*'--${flag}[=[]`, 'm') : new RegExp(`from ${name}' -l ${flag} `),
        );
      }
    }
    // Each quote is closed.
    t.is((script.replaceAll("'\\''", '').match(/(?<!\\)'/g) ?? []).length % 2, 0);
  });

  // The shells are not part of a usual machine for tests.
  const whereInstalled = isInstalled(shell) ? test : test.skip;
  whereInstalled(`${shell} accepts its script`, async (t) => {
    const folder = await siteFolder(t);
    await writeFile(join(folder, 'script'), await toScript([shell], COMMANDS));

    await t.notThrowsAsync(promisify(execFile)(shell, ['-n', 'script'], { cwd: folder }));
  });
}

test('another shell is refused with the nearest one', async (t) => {
  await t.throwsAsync(toScript(['bsh'], COMMANDS), {
    instanceOf: UsageError,
    message: 'say nexthop completion bash, or zsh, or fish, got "bsh"; did you mean bash?',
  });
  await t.throwsAsync(toScript([], COMMANDS), {
    instanceOf: UsageError,
    message: 'say nexthop completion bash, or zsh, or fish',
  });
});

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program));
      return true;
    } catch {
      return false;
    }
  });
}
