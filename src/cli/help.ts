import { SETTINGS } from '../config/settings.ts';
import { align } from './align.ts';
import type { Command } from './command.ts';
import { COMMANDS } from './commands.ts';
import { flagsOf } from './read-arguments.ts';

/** The usual columns of a terminal. */
const WIDTH = 80;

/** Exit codes that mean the same for every command (docs/commands.md); the second one for those with settings. */
const USAGE_EXIT = { 2: 'a flag or a word does not fit' };
const SETTING_EXIT = { 78: 'the value of a setting does not fit' };

const SETTINGS_NOTE = [
  '',
  'Every setting is a flag, too: LOG_DIR is --log-dir, PORT is --port or -p.',
  'See "nexthop help settings".',
];

/** The list of commands. */
export function toUsage(): string {
  return [
    'nexthop runs the functions and files of a site and forwards the rest',
    '',
    'Usage: nexthop COMMAND [SITE] [flags]',
    '',
    ...align(Object.entries(COMMANDS).map(([name, { about }]) => [name, about])),
    '',
    'nexthop COMMAND --help   flags, examples and exit codes of a command',
    'nexthop help settings    every setting: a variable, or a flag of any command',
    'nexthop --version        the version',
  ].join('\n');
}

/** What `nexthop NAME --help` prints. */
export function toHelp({ forms, about, examples, exits, ...command }: Command): string {
  const { hasSettings = true } = command;
  return [
    ...forms.map((form, at) => `${at === 0 ? 'Usage: ' : '       '}nexthop ${form}`),
    '',
    ...wrap(about, ''),
    '',
    'Flags:',
    ...toRows(flagsOf(command as Command).map(([form, about, short]) => [short ? `${short}, ${form}` : form, about])),
    '',
    'Examples:',
    ...examples.flatMap(([line, meaning]) => [`  ${line}`, ...wrap(meaning, '      ')]),
    '',
    'Exit codes:',
    ...toRows(Object.entries({ ...exits, ...USAGE_EXIT, ...(hasSettings && SETTING_EXIT) })),
    ...(hasSettings ? SETTINGS_NOTE : []),
  ].join('\n');
}

/** Every setting with its default. */
export function toSettingsHelp(): string {
  const lines = Object.entries(SETTINGS).flatMap(([name, { default: fallback, about }]) => [
    `  ${name}${fallback === '' ? '' : ` (${fallback})`}`,
    ...wrap(about, '      '),
  ]);
  return ['Settings are variables of the environment, or flags: LOG_DIR is --log-dir.', '', ...lines].join('\n');
}

/** Two columns; the second one is wrapped. */
function toRows(rows: readonly (readonly [first: string, second: string])[]): readonly string[] {
  const width = Math.max(...rows.map(([first]) => first.length));
  const indent = ' '.repeat(width + 4);
  return rows.flatMap(([first, second]) => {
    const [line = '', ...more] = wrap(second, indent);
    return [`  ${first.padEnd(width)}  ${line.trimStart()}`, ...more];
  });
}

function wrap(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + word.length > WIDTH && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
