import { readFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { parseArgs } from 'node:util';
import { type Config, readConfig } from '../config/config.ts';
import { findMisspeltSettings } from '../config/misspelt-settings.ts';
import { SETTINGS, toFlag } from '../config/settings.ts';
import { messageOf } from '../contract/error-message.ts';
import { didYouMean } from '../contract/problem.ts';
import { countCpus } from '../process/container.ts';
import type { SupervisorLink } from '../process/supervisor-link.ts';
import type { EarlySignals } from './early-signals.ts';
import { enterSite, explainSite } from './enter-site.ts';
import { UsageError } from './usage-error.ts';

// A command is imported when it runs: the supervisor of `start` must not hold the memory of code
// that only its workers and other commands use.

type Out = (line: string) => void;

/** What only some commands understand. */
interface Flags {
  readonly json: boolean;
  readonly all: boolean;
  readonly state?: string;
  readonly rule?: string;
  readonly limit?: string;
  readonly prefix?: string;
  readonly from?: string;
  readonly csv: boolean;
  readonly form?: string;
}

interface Command {
  readonly about: string;
  /** Those of Flags that mean something to it; default: none. */
  readonly flags?: readonly (keyof Flags)[];
  /** What follows its name is its own; the site is `--site` then. */
  readonly hasWords?: boolean;
  /** What it prints is not for scripts: the code of the site may print there, too. */
  readonly sharesStdout?: boolean;
  /** False: it looks at no site. Default: true. */
  readonly hasSite?: boolean;
  /** Resolves with the exit code. */
  run(config: Config, out: Out, flags: Flags, given: Given): Promise<number>;
}

/** What the entry of the process has opened. */
interface Opened {
  readonly signals: EarlySignals;
  /** This is a worker of `nexthop start`. */
  readonly supervisor?: SupervisorLink;
}

interface Given extends Opened {
  readonly words: readonly string[];
  /** For output that is no line. */
  readonly stdout: NodeJS.WritableStream;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  start: { about: 'serve the site until SIGTERM or SIGINT', sharesStdout: true, run: startInSite },
  build: {
    about: 'compile the functions of the site ahead, for a start without compiling',
    run: async (config, out) => (await import('./build.ts')).build(config, out),
  },
  routes: {
    about: 'print the routes of the site, conflicts and ignored files (--json)',
    flags: ['json'],
    run: async (config, out, { json }) => {
      const { guardProcess } = await import('../process/process-guard.ts');
      const { routes } = await import('./routes.ts');
      enterSite(config);
      return routes(config, out, { json, beforeSite: (log) => guardProcess({ log, site: config.site }) });
    },
  },
  jobs: {
    about:
      'list the jobs that wait, run and are dead (--state, --rule, --limit, --json); or show, retry, drop some of them',
    flags: ['json', 'all', 'state', 'rule', 'limit'],
    hasWords: true,
    run: async (config, out, flags, { words }) => (await import('./jobs.ts')).jobs(config, out, { ...flags, words }),
  },
  blobs: {
    about: 'list, get, set, delete or import the blobs of the site (--prefix, --all, --from, --json)',
    flags: ['json', 'all', 'prefix', 'from'],
    hasWords: true,
    run: async (config, out, flags, { words, stdout }) => {
      const { blobs } = await import('./blobs.ts');
      return blobs(config, { out, stdout, stdin: process.stdin }, { ...flags, words });
    },
  },
  forms: {
    about: 'list, show, export or delete the submissions of forms (--limit, --json, --csv, --all, --form)',
    flags: ['json', 'csv', 'all', 'form', 'limit'],
    hasWords: true,
    run: async (config, out, flags, { words }) => (await import('./forms.ts')).forms(config, out, { ...flags, words }),
  },
  health: {
    about: 'exit 0 if the server on PORT is ready',
    hasSite: false,
    run: async (config, out) => (await import('./health.ts')).health(config, out),
  },
  reload: {
    about: 'read the site again in the nexthop that runs it; exit 0 once the new site serves',
    run: async (config, out) => (await import('./reload.ts')).reload(config, out, { complain }),
  },
};

/** Runs the command that these arguments name. Resolves with its exit code. */
export async function main(argv: readonly string[], opened: Opened): Promise<number> {
  const out: Out = (line) => void process.stdout.write(`${line}\n`);
  let config: Config | undefined;
  try {
    const { name, settings, flags, asks, ...place } = parse(argv);
    if (asks.version) return tell(out, version());
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (asks.help || !command) {
      tell(
        asks.help ? out : complain,
        asks.help
          ? usage()
          : `nexthop: there is no command ${JSON.stringify(name)}${didYouMean(name, Object.keys(COMMANDS))}\n\n${usage()}`,
      );
      return asks.help ? 0 : 2;
    }
    if (command !== COMMANDS.start) opened.signals.useDefaults();
    checkFlags(name, command, flags);
    const site = toSite(command, place);
    config = readConfig({ flags: settings, ...(site !== undefined && { site }) });
    const explanation = site === undefined && command.hasSite !== false ? explainSite(config) : undefined;
    if (explanation !== undefined && !opened.supervisor) complain(explanation);
    const { stdout } = process;
    return await command.run(config, command.sharesStdout ? out : takeStdout(), flags, {
      ...opened,
      words: place.words,
      stdout,
    });
  } catch (error) {
    const { explain, toExitCode } = await import('./explain.ts');
    complain(`nexthop: ${explain(error, config)}`);
    // What is wrong may be that a setting has its default, because it was set under another name.
    for (const { name, setting } of config ? findMisspeltSettings(config.functionEnv, config) : []) {
      complain(`  ${name} is no setting of nexthop; did you mean ${setting}?`);
    }
    return toExitCode(error);
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

async function startInSite(config: Config, out: Out, _: Flags, { signals, supervisor }: Given): Promise<number> {
  if (!supervisor && config.functionEnv.npm_execpath !== undefined) {
    (await import('./npm-parent.ts')).watchNpm(() => process.kill(process.pid, 'SIGTERM'));
  }
  const workers = supervisor ? 0 : countWorkers(config);
  if (workers > 0) return (await import('./supervise.ts')).supervise(config, workers, { out, signals });
  const { start } = await import('./start.ts');
  // Entered for each reading: a folder that was put in the place of another is another one, though
  // its path is the same.
  return start(config, out, { signals, beforeReading: () => enterSite(config), ...(supervisor && { supervisor }) });
}

function countWorkers({ WORKERS }: Config): number {
  if (WORKERS !== 'auto') return WORKERS;
  // Workers would need the port of the debugger, too.
  return inspectorUrl() === undefined ? Math.max(1, Math.floor(countCpus())) : 0;
}

function parse(argv: readonly string[]) {
  const settingFlags = Object.fromEntries(
    Object.keys(SETTINGS).map((name) => [toFlag(name), { type: 'string' as const }]),
  );
  const options = {
    ...settingFlags,
    site: { type: 'string' },
    json: { type: 'boolean' },
    all: { type: 'boolean' },
    state: { type: 'string' },
    rule: { type: 'string' },
    limit: { type: 'string' },
    prefix: { type: 'string' },
    from: { type: 'string' },
    csv: { type: 'boolean' },
    form: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  } as const;
  checkNames(argv, Object.keys(options));
  const { values, positionals } = parseWords(() => parseArgs({ args: [...argv], allowPositionals: true, options }));
  const settings: Record<string, string> = {};
  for (const name of Object.keys(SETTINGS)) {
    const value = values[toFlag(name) as keyof typeof values];
    if (typeof value === 'string') settings[name] = value;
  }
  const [name = 'start', ...words] = positionals;
  const { site, json = false, all = false, csv = false, help = false, version = false } = values;
  const { state, rule, limit, prefix, from, form } = values;
  const flags: Flags = {
    json,
    all,
    csv,
    ...(state !== undefined && { state }),
    ...(rule !== undefined && { rule }),
    ...(limit !== undefined && { limit }),
    ...(prefix !== undefined && { prefix }),
    ...(from !== undefined && { from }),
    ...(form !== undefined && { form }),
  };
  return { name, words, site, settings, flags, asks: { help, version } };
}

/** Node's messages say which flag has no value, or has one that it must not have. */
function parseWords<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new UsageError(messageOf(cause), { cause });
  }
}

/** Before they are parsed: the parser does not say which flag was meant. */
function checkNames(argv: readonly string[], known: readonly string[]): void {
  const end = argv.indexOf('--');
  for (const word of end < 0 ? argv : argv.slice(0, end)) {
    const [, name] = /^--([^=]+)/.exec(word) ?? [];
    if (name === undefined || known.includes(name)) continue;
    const flags = known.map((each) => `--${each}`);
    throw new UsageError(`there is no flag --${name}${didYouMean(`--${name}`, flags)}`);
  }
}

/** A flag without an effect must not be accepted silently. */
function checkFlags(name: string, { flags: known = [] }: Command, flags: Flags): void {
  for (const [flag, value] of Object.entries(flags)) {
    const isKnown = known.some((each) => each === flag);
    if (value !== false && !isKnown) throw new UsageError(`--${flag} means nothing to nexthop ${name}`);
  }
}

interface Location {
  readonly words: readonly string[];
  readonly site: string | undefined;
}

function toSite({ hasWords = false }: Command, { words, site }: Location): string | undefined {
  const [first, extra] = [...(site === undefined ? [] : [site]), ...(hasWords ? [] : words)];
  if (extra !== undefined) throw new UsageError(`one site at a time, got ${JSON.stringify(extra)} too`);
  return first;
}

function usage(): string {
  const rows = [
    ...Object.entries(COMMANDS).map(([name, { about }]) => [name, about]),
    ['', ''],
    ...Object.entries(SETTINGS).map(([name, { default: fallback, about }]) => [
      name,
      `${about}${fallback === '' ? '' : ` (${fallback})`}`,
    ]),
  ];
  const width = Math.max(...rows.map(([name = '']) => name.length));
  const lines = rows.map(([name = '', about]) => `  ${name.padEnd(width)}  ${about}`.trimEnd());
  return [
    'nexthop <command> [site]',
    'nexthop jobs [list | show ID | retry ID… | drop ID…] [--site=PATH]',
    'nexthop forms [list [FORM] | show ID | export [FORM] | delete ID…] [--site=PATH]',
    'nexthop blobs [list [STORE] | get STORE KEY | set STORE KEY [FILE] | delete STORE KEY | import STORE FOLDER] [--site=PATH]',
    '',
    ...lines,
    '',
    'Settings come from the environment, or as flags: --log-dir=logs',
  ].join('\n');
}

function version(): string {
  return String(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version);
}

function tell(write: Out, text: string): number {
  write(text);
  return 0;
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}
