import type { Config } from '../config/config.ts';
import type { SettingName } from '../config/settings.ts';
import type { SupervisorLink } from '../process/supervisor-link.ts';
import type { EarlySignals } from './early-signals.ts';

export type Out = (line: string) => void;

/** A flag of a command, besides the settings. */
export interface FlagForm {
  /** The word for its value in `--help`, e.g. `COUNT`. Undefined: the flag has no value. */
  readonly value?: string;
  readonly about: string;
  /** One letter: `f` is `-f`. */
  readonly short?: string;
  /** It may be given more than once: its value is all values with this between. */
  readonly separator?: ',' | '\n';
}

export type FlagTable = Readonly<Record<string, FlagForm>>;

/** The flags of a call by their names. A flag that was not given is absent. */
export type FlagValues<Flags extends FlagTable> = {
  readonly [Name in keyof Flags]?: Flags[Name] extends { readonly value: string } ? string : boolean;
};

/** What the entry of the process has opened. */
export interface Opened {
  readonly signals: EarlySignals;
  /** This is a worker of `nexthop start`. */
  readonly supervisor?: SupervisorLink;
}

/** One call of a command. */
export interface Call<Flags extends FlagTable> extends Opened {
  readonly config: Config;
  readonly flags: FlagValues<Flags>;
  /** The words after the name of the command, without the site. */
  readonly words: readonly string[];
  /** Writes a line of the result to stdout. */
  readonly out: Out;
  /** Writes a line for a person to stderr. */
  readonly complain: Out;
  /** All commands. */
  readonly commands: CommandTable;
  /** For output that is no line. */
  readonly stdout: NodeJS.WritableStream;
}

/** A command of `nexthop`. `nexthop NAME --help` prints what it says about itself. */
export interface CommandForm<Flags extends FlagTable> {
  /** What it does, and what a user must know before: one paragraph. */
  readonly about: string;
  /** How it is written, without `nexthop`, e.g. `jobs show ID`. */
  readonly forms: readonly string[];
  readonly flags?: Flags;
  /** At least two. */
  readonly examples: readonly (readonly [command: string, about: string])[];
  /** The meaning of its exit codes besides 2 and 78, which mean the same for all commands. */
  readonly exits: Readonly<Record<string, string>>;
  /** 'site' (default): at most one word may follow, the folder of the site. 'own': the command reads the words. */
  readonly words?: 'site' | 'own';
  /** With words 'site': whether a word is one for the command instead. `hasSite`: the flag --site is given. */
  readonly isOwnWord?: (word: string, hasSite: boolean) => boolean;
  /** True: the code of the site may print to stdout, too. Default: stdout has only lines of nexthop, for scripts. */
  readonly sharesStdout?: boolean;
  /** True: it handles SIGHUP, SIGUSR1 and SIGUSR2 itself. */
  readonly isServer?: boolean;
  /** Defaults of settings that are others than those of a server. */
  readonly defaults?: Readonly<Partial<Record<SettingName, string>>>;
  /** False: a command without a site; npm's folder does not matter to it. */
  readonly hasSite?: boolean;
  /** False: invalid settings do not prevent it, `config` has defaults for all of them. */
  readonly hasSettings?: boolean;
  /** Resolves with the exit code. */
  run(call: Call<Flags>): Promise<number>;
}

/** A command whose flags are known only by the table of the command. */
export type Command = CommandForm<FlagTable>;

/** A command in the list of commands. */
export interface CommandEntry {
  /** At most 60 characters. */
  readonly about: string;
  /** Imported when the command runs: the supervisor of `start` must not hold the memory of code that only its workers and other commands use. */
  load(): Promise<{ readonly command: Command }>;
}

export type CommandTable = Readonly<Record<string, CommandEntry>>;

/** Checks that a command reads only the flags that it has. */
export function defineCommand<const Flags extends FlagTable = Record<never, never>>(form: CommandForm<Flags>): Command {
  // The parser of arguments reads exactly the flags of `form.flags`, so the call has the type that `run` expects.
  return form as unknown as Command;
}
