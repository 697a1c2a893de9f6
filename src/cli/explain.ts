import { type Config, ConfigError } from '../config/config.ts';
import { LogError } from '../contract/log.ts';
import { UserError } from '../contract/user-error.ts';
import { UsageError } from './usage-error.ts';

/** What sysexits.h calls EX_CONFIG: the value of a setting, or a file that it names, does not fit. */
const BAD_SETTING = 78;
const BAD_USAGE = 2;
const FAILED = 1;

/** The exit code of a command that an error stops (docs/operations.md). */
export function toExitCode(error: unknown): number {
  if (error instanceof UserError && error.isOfSetting) return BAD_SETTING;
  return error instanceof UsageError ? BAD_USAGE : FAILED;
}

/**
 * Describes an error that stops a command, for the user; with a stack only if it is a defect of
 * nexthop. `config`: undefined if the settings could not be read.
 */
export function explain(error: unknown, config?: Config): string {
  if (error instanceof ConfigError || error instanceof UsageError) return list(error.message);
  if (error instanceof LogError) return [error.message, ...remedies(config)].join('\n  ');
  if (error instanceof UserError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  // Also of the lookup of a name in HOST.
  if (syscall === 'listen' || syscall === 'getaddrinfo') return `${LISTEN[code] ?? LISTEN.other} (${error.message})`;
  return error.stack ?? error.message;
}

/** One line, or a list of all mistakes. */
function list(lines: string): string {
  const complaints = lines.split('\n');
  if (complaints.length === 1) return lines;
  return [`${complaints.length} mistakes in the flags and settings`, ...complaints].join('\n  ');
}

const LISTEN: Readonly<Record<string, string>> = {
  EADDRINUSE: 'PORT is taken: stop the other server or set PORT to another one',
  EACCES: 'PORT may not be used by this user: set PORT to one above 1023, or allow this user to bind it',
  EADDRNOTAVAIL: 'HOST is no address of this machine: set HOST to one, or to nothing for all of them',
  other: 'cannot listen: set PORT and HOST to what this machine and this user may use',
};

/** The default folder exists on a server that was prepared for nexthop, and mostly not elsewhere. */
function remedies(config: Config | undefined): readonly string[] {
  if (!config || config.given.has('LOG_DIR')) return [];
  return [
    'LOG_DIR is not set. To try nexthop, add --log-dir=logs (the folder "logs" here) or --log-dir= (the terminal).',
    `On a server, once, as root: install -d -o THE_USER_OF_NEXTHOP ${config.LOG_DIR}`,
  ];
}
