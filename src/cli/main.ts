import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { type Config, ConfigError, readConfig } from '../config/config.ts';
import { findMisspeltSettings, toComplaint } from '../config/misspelt-settings.ts';
import { didYouMean } from '../contract/problem.ts';
import type { Command, Opened, Out } from './command.ts';
import { COMMANDS } from './commands.ts';
import { explainSite } from './enter-site.ts';
import { exit } from './exit.ts';
import { type Arguments, readArguments, readOpening } from './read-arguments.ts';
import { UsageError } from './usage-error.ts';

/** Runs the command that these arguments name. Resolves with its exit code. */
export async function main(argv: readonly string[], opened: Opened): Promise<number> {
  let config: Config | undefined;
  try {
    const { name, rest, isHelp, isVersion } = readOpening(argv);
    if (name === undefined || name === 'help' || isVersion) return await printHelp({ name, rest, isHelp, isVersion });
    const command = await loadCommand(name, { rest });
    if (isHelp) return await print((await import('./help.ts')).toHelp(command));
    if (!command.isServer) opened.signals.useDefaults();
    outliveReaders(command.isServer === true);
    let read = readArguments(name, command, rest);
    // The other commands are loaded only for a call that is refused: loading all of them takes time.
    if (read.complaints.length > 0) read = readArguments(name, command, rest, await loadAllCommands());
    const { flags, words, ...given } = read;
    config = readSettings(command, given);
    const explanation = given.site === undefined && command.hasSite !== false ? explainSite(config) : undefined;
    if (explanation !== undefined && !opened.supervisor) complain(explanation);
    const { stdout } = process;
    const out = command.sharesStdout ? print : takeStdout();
    return await command.run({ ...opened, config, flags, words, commands: COMMANDS, out, complain, stdout });
  } catch (error) {
    const { explain, toExitCode } = await import('./explain.ts');
    complain(`nexthop: ${explain(error, config)}`);
    // What is wrong may be that a setting has its default, because it was set under another name.
    const misspelt = config ? findMisspeltSettings(config.functionEnv, config) : [];
    for (const each of misspelt) complain(`  ${toComplaint(each)}`);
    return toExitCode(error);
  }
}

interface Asked {
  readonly name: string | undefined;
  readonly rest: readonly string[];
  readonly isHelp: boolean;
  readonly isVersion: boolean;
}

/** For calls without a command, and for `nexthop help [COMMAND | settings]`. */
async function printHelp({ name, rest, isHelp, isVersion }: Asked): Promise<number> {
  if (isVersion) return print((await import('./package-version.ts')).readVersion());
  const { toHelp, toSettingsHelp, toUsage } = await import('./help.ts');
  const [topic] = rest;
  if (name === 'help' && topic === 'settings') return print(toSettingsHelp());
  if (name === 'help' && topic !== undefined) return print(toHelp(await loadCommand(topic, { others: ['settings'] })));
  if (name === 'help' || isHelp) return print(toUsage());
  // No command serves the site by default: a process manager must see that nothing was started.
  if (rest.length > 0) throw new UsageError(`there is no command; did you mean nexthop start ${rest.join(' ')}?`);
  complain(toUsage());
  return 2;
}

interface Named {
  /** The arguments after the name. */
  readonly rest?: readonly string[];
  /** Words that are known besides commands. */
  readonly others?: readonly string[];
}

async function loadCommand(name: string, { rest = [], others = [] }: Named): Promise<Command> {
  const command = await findCommand(name);
  if (command) return command;
  const { explainForeignCommand } = await import('./foreign-commands.ts');
  const isFolder = name.includes('/') || existsSync(name);
  const advice =
    (await explainForeignCommand(name, rest, findCommand)) ||
    didYouMean(name, [...Object.keys(COMMANDS), ...others]) ||
    (isFolder ? `; did you mean nexthop start ${name}?` : '; "nexthop --help" lists them');
  throw new UsageError(`there is no command ${JSON.stringify(name)}${advice}`);
}

/** Undefined if there is no command of this name. */
async function findCommand(name: string): Promise<Command | undefined> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return entry && (await entry.load()).command;
}

async function loadAllCommands(): Promise<Readonly<Record<string, Command>>> {
  const loads = Object.entries(COMMANDS).map(async ([name, { load }]) => [name, (await load()).command] as const);
  return Object.fromEntries(await Promise.all(loads));
}

/** Throws one error for everything that is wrong in the arguments and in the settings. */
function readSettings(
  { hasSettings = true, defaults }: Command,
  given: Pick<Arguments, 'settings' | 'site' | 'complaints'>,
): Config {
  const { settings, site, complaints } = given;
  try {
    const config = readConfig({
      ...(!hasSettings && { env: {} }),
      flags: settings,
      ...(site !== undefined && { site }),
      ...(defaults && { defaults }),
    });
    if (complaints.length === 0) return config;
    throw new UsageError(complaints.join('\n'));
  } catch (error) {
    if (complaints.length === 0 || !(error instanceof ConfigError)) throw error;
    throw new UsageError([...complaints, ...error.complaints].join('\n'), { cause: error });
  }
}

/**
 * The reader of stdout or stderr may end first, e.g. `head`, or `tee` at Ctrl-C. A server runs on and drains; another command ends with
 * the code of SIGPIPE, as other programs do.
 */
function outliveReaders(isServer: boolean): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      if (!isServer) exit(128 + constants.signals.SIGPIPE);
    });
  }
}

/**
 * Reserves stdout for the lines of nexthop, so that a script can read them. Other output, e.g. of
 * the site's code while it loads, goes to stderr. Returns a function that writes a line to stdout.
 */
function takeStdout(): Out {
  const { stdout, stderr } = process;
  // The stream itself is replaced, not its `write`: loggers use its descriptor (pino), and the
  // console reads it at its first use.
  Object.defineProperty(process, 'stdout', { configurable: true, enumerable: true, get: () => stderr });
  return (line) => void stdout.write(`${line}\n`);
}

/** Returns the exit code of a command that only prints. */
function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}
