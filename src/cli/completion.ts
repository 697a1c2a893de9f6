import { SETTINGS, toFlag } from '../config/settings.ts';
import { didYouMean } from '../contract/problem.ts';
import { type Command, type CommandTable, defineCommand } from './command.ts';
import { flagsOf } from './read-arguments.ts';
import { UsageError } from './usage-error.ts';

export const command = defineCommand({
  forms: ['completion bash', 'completion zsh', 'completion fish'],
  about: 'Prints a script that completes commands and flags of nexthop in a shell.',
  words: 'own',
  examples: [
    ['nexthop completion bash > ~/.local/share/bash-completion/completions/nexthop', 'for all later shells of bash'],
    ['nexthop completion fish > ~/.config/fish/completions/nexthop.fish', 'the same for fish'],
  ],
  exits: { 0: 'the script is printed' },
  hasSite: false,
  hasSettings: false,
  async run({ words, commands, out }) {
    out(await toScript(words, commands));
    return 0;
  },
});

const SHELLS = { bash: toBash, zsh: toZsh, fish: toFish } as const;

/** Throws a UsageError unless the words are the name of a shell. */
export async function toScript(words: readonly string[], table: CommandTable): Promise<string> {
  const [shell = '', extra] = words;
  if (extra !== undefined || !isShell(shell)) {
    const names = Object.keys(SHELLS);
    const got = words.length === 0 ? '' : `, got ${JSON.stringify(words.join(' '))}${didYouMean(shell, names)}`;
    throw new UsageError(`say nexthop completion ${names.join(', or ')}${got}`);
  }
  const commands = await Promise.all(
    Object.entries(table).map(async ([name, { about, load }]) => ({
      name,
      about,
      flags: toFlags((await load()).command),
    })),
  );
  return SHELLS[shell](commands).join('\n');
}

function isShell(word: string): word is keyof typeof SHELLS {
  return Object.hasOwn(SHELLS, word);
}

interface Completed {
  readonly name: string;
  readonly about: string;
  readonly flags: readonly Flag[];
}

interface Flag {
  /** E.g. `--limit`, or `--limit=` if it has a value. */
  readonly text: string;
  readonly about: string;
}

/** Settings are flags of every command that reads them. */
function toFlags(command: Command): readonly Flag[] {
  const own = flagsOf(command).map(([form, about]) => ({ text: form.replace(/=.*/, '='), about }));
  if (command.hasSettings === false) return own;
  const names = new Set(own.map(({ text }) => text));
  const settings = Object.entries(SETTINGS).map(([name, { about }]) => ({ text: `--${toFlag(name)}=`, about }));
  return [...own, ...settings.filter(({ text }) => !names.has(text))];
}

function toBash(commands: readonly Completed[]): readonly string[] {
  return [
    '_nexthop() {',
    `  local word=\${COMP_WORDS[COMP_CWORD]} flags=`,
    '  COMPREPLY=()',
    '  if ((COMP_CWORD == 1)); then',
    `    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')}" -- "$word"))`,
    '    return',
    '  fi',
    `  case \${COMP_WORDS[1]} in`,
    ...commands.map(({ name, flags }) => `    ${name}) flags="${flags.map(({ text }) => text).join(' ')}" ;;`),
    '  esac',
    '  if [[ $word == -* ]]; then',
    '    COMPREPLY=($(compgen -W "$flags" -- "$word"))',
    `    if [[ \${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi`,
    '  else',
    '    COMPREPLY=($(compgen -d -- "$word"))',
    '  fi',
    '}',
    'complete -F _nexthop nexthop',
  ];
}

function toZsh(commands: readonly Completed[]): readonly string[] {
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const toSpec = ({ text, about }: Flag): string => {
    const spec = `${text}[${about.replaceAll(/[[\]\\]/g, '\\$&').replaceAll(':', '\\:')}]`;
    return quote(text.endsWith('=') ? `${spec}:value:` : spec);
  };
  return [
    '#compdef nexthop',
    'local -a commands',
    `commands=(${commands.map(({ name, about }) => quote(`${name}:${about}`)).join(' ')})`,
    'if (( CURRENT == 2 )); then',
    '  _describe command commands',
    '  return',
    'fi',
    'case $words[2] in',
    ...commands.map(
      ({ name, flags }) => `  ${name}) _arguments ${flags.map(toSpec).join(' ')} '*:folder:_files -/' ;;`,
    ),
    'esac',
  ];
}

function toFish(commands: readonly Completed[]): readonly string[] {
  const quote = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
  return [
    'complete -c nexthop -f',
    ...commands.map(({ name, about }) => `complete -c nexthop -n __fish_use_subcommand -a ${name} -d ${quote(about)}`),
    ...commands.flatMap(({ name, flags }) =>
      flags.map(({ text, about }) => {
        const option = `-l ${text.slice(2).replace('=', '')}${text.endsWith('=') ? ' -r' : ''}`;
        return `complete -c nexthop -n '__fish_seen_subcommand_from ${name}' ${option} -d ${quote(about)}`;
      }),
    ),
    "complete -c nexthop -n 'not __fish_use_subcommand' -a '(__fish_complete_directories)'",
  ];
}
