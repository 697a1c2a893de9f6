import { realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Config } from '../config/config.ts';
import { spellOrigin } from '../config/setting.ts';
import { logProblems, type Problem, toLocation } from '../contract/problem.ts';
import { countRoutes } from '../contract/route.ts';
import { FolderWatch } from '../dev/folder-watch.ts';
import { DEV_PATH } from '../dev/page-path.ts';
import { DevSession } from '../dev/session.ts';
import { spellMs, Terminal } from '../dev/terminal.ts';
import type { Edge } from '../edge.ts';
import { writeAsOwn } from '../process/printed-text.ts';
import type { Reload } from '../site/reload.ts';
import { align } from './align.ts';
import { type Call, defineCommand, type FlagForm } from './command.ts';
import { DevKeys, isTerminal, listenToKeys } from './dev-keys.ts';
import { toDevServer } from './dev-server.ts';
import { enterSite } from './enter-site.ts';
import { endWithNpm } from './npm-parent.ts';
import { openInBrowser } from './open-in-browser.ts';
import { spellCounts } from './routes-listed.ts';
import { type Serving, spellNextHop, start } from './start.ts';

export const command = defineCommand({
  forms: ['dev [SITE]'],
  about:
    'Serves the site for its author, in one process: a saved file is used at once, each request is one line with what its function printed, and an error shows its place in the code. Schedules run on demand only. If port 8080 is taken and PORT is not set, the next free port is used.',
  flags: { open: { about: 'open the site in the browser' } },
  examples: [
    ['nexthop dev my-site', 'serves my-site on http://localhost:8080'],
    ['nexthop dev --next-hop=http://localhost:3000', 'in front of an application on this machine'],
    ['nexthop dev --country=DE', 'functions see clients in Germany'],
  ],
  exits: { 0: 'ended by q, Ctrl-C or a signal', 1: 'cannot start, e.g. the port that was asked for is taken' },
  sharesStdout: true,
  isServer: true,
  defaults: { DEV: '1', HOST: '127.0.0.1', LOG_DIR: '', DRAIN_TIMEOUT: '2s' },
  run: dev,
});

/** An end that takes longer gets a line that says what is waited for. */
const CALM_DRAIN_MS = 300;

/** How many ports after the default one are tried. */
const NEXT_PORTS = 20;

async function dev({ config, signals, flags }: Call<{ open: FlagForm }>): Promise<number> {
  endWithNpm(config);
  const { stdin, stdout } = process;
  // Lines about a request are written while its function runs.
  const out = (line: string): void => void writeAsOwn(stdout, `${line}\n`);
  // `hasColors` asks NO_COLOR, too.
  const terminal = new Terminal({ out, hasColors: stdout.isTTY && stdout.hasColors() });
  const site = toRealPath(config.site);
  const { PORT, wasTaken } = await choosePort(config);
  const session = new DevSession({
    site,
    terminal,
    nextHop: spellOrigin(config.NEXT_HOP),
    onOutside: (files) => watch?.useOutside(files),
  });
  let edge: Edge | undefined;
  let watch: FolderWatch | undefined;
  let endKeys: (() => void) | undefined;
  const report = (reload: Reload, files: readonly string[]): string => {
    session.page.generation++;
    return spellReload(reload, files, session.useProblems(reload.problems));
  };
  const openWatch = (): FolderWatch =>
    new FolderWatch({
      root: site,
      ignored: [config.DATA_DIR, config.LOG_DIR],
      onChange: (files) => void edge?.reload().then((reload) => terminal.note(report(reload, files))),
      onTrouble: (folder, error) =>
        terminal.note(`changes of files in ${folder} are not noticed (${error}); nexthop reload reads the site again`),
    });
  const serve = (serving: Serving): void => {
    const { port } = serving;
    edge = serving.edge;
    const url = toUrl(config, port);
    announce({ config, terminal, url, wasTaken, edge, hasKeys: isTerminal(stdin) });
    logProblems(edge.log, edge.site.problems);
    session.useProblems(edge.site.problems);
    watch?.begin();
    session.page.server = toDevServer({ edge, config, site, port });
    if (isTerminal(stdin)) {
      const keys = new DevKeys({ edge, terminal, root: config.site, url, end });
      endKeys = listenToKeys({ stdin, onKey: (key) => keys.press(key), onInterrupt: end });
    }
    if (flags.open) openInBrowser(url, (line) => terminal.note(line));
  };
  try {
    return await start({ ...config, PORT }, out, {
      signals,
      beforeReading: () => {
        enterSite(config);
        // Before the first reading: a file that is saved during it may have been read already.
        watch ??= openWatch();
        watch.beforeReading();
      },
      development: session,
      onServing: serve,
      describe: (reload) => [report(reload, [])],
      hasClock: false,
      calmDrainMs: CALM_DRAIN_MS,
    });
  } finally {
    watch?.close();
    endKeys?.();
  }
}

const LOCAL: ReadonlySet<string> = new Set(['', '0.0.0.0', '::', '127.0.0.1', '::1', 'localhost']);

/** For a browser on this machine. */
export function toUrl({ HOST, certificate }: Pick<Config, 'HOST' | 'certificate'>, port: number): string {
  const name = HOST.includes(':') ? `[${HOST}]` : HOST;
  return `${certificate ? 'https' : 'http'}://${LOCAL.has(HOST) ? 'localhost' : name}:${port}`;
}

/** As a signal of the terminal does. */
function end(): void {
  process.kill(process.pid, 'SIGINT');
}

interface ChosenPort {
  readonly PORT: number;
  /** The default port, if another server has it. */
  readonly wasTaken: number | undefined;
}

/**
 * The default port, or the next one that is free. A port that was asked for is not replaced: the
 * start fails if it is taken.
 */
export async function choosePort({ PORT, HOST, given }: Pick<Config, 'PORT' | 'HOST' | 'given'>): Promise<ChosenPort> {
  if (given.has('PORT')) return { PORT, wasTaken: undefined };
  for (let port = PORT; port < PORT + NEXT_PORTS; port++) {
    if (await isFree(port, HOST)) return { PORT: port, wasTaken: port === PORT ? undefined : PORT };
  }
  return { PORT, wasTaken: undefined };
}

function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.on('error', () => resolve(false));
    server.listen({ port, ...(host && { host }) }, () => server.close(() => resolve(true)));
  });
}

interface Announcement extends Pick<Serving, 'edge'> {
  readonly config: Config;
  readonly terminal: Terminal;
  readonly url: string;
  readonly wasTaken: number | undefined;
  /** Keys can be read. */
  readonly hasKeys: boolean;
}

function announce({ config, terminal, url, wasTaken, edge, hasKeys }: Announcement): void {
  const name = (text: string): string => terminal.paint('dim', text.padEnd(9));
  const because = wasTaken === undefined ? '' : `, because port ${wasTaken} is taken`;
  terminal.note(`nexthop dev listens on ${terminal.paint('bold', url)}${because}`);
  terminal.note(`  ${name('site')} ${config.site}, ${spellCounts(countRoutes(edge.site.routes))}`);
  terminal.note(`  ${name('next hop')} ${spellNextHop(edge.site, config)}`);
  terminal.note(`  ${name('live page')} ${url}${DEV_PATH}`);
  if (hasKeys) terminal.note(`  ${name('keys')} r routes  l clear  o open  j jobs  s run a schedule  q quit  ? help`);
  terminal.note('');
  if (edge.site.routes.length > 0) return;
  terminal.note(
    'The site has no functions and no files yet; every request goes to the next hop. These are looked for:',
  );
  for (const row of align(edge.site.searched)) terminal.note(row);
  terminal.note('');
}

/** `known`: the errors that were there before; they are not printed again. */
export function spellReload(reload: Reload, files: readonly string[], known: readonly Problem[]): string {
  const [first = 'the site', ...others] = files;
  const what = others.length === 0 ? first : `${first} and ${others.length} more`;
  if (reload.state === 'kept') return `not reloaded: ${reload.reason}; the previous code stays in use`;
  const errors = reload.problems.filter(({ severity }) => severity === 'error').length;
  const end = errors === 0 ? '' : errors === 1 ? ', with 1 error' : `, with ${errors} errors`;
  return `reloaded ${what} in ${spellMs(reload.tookMs)}${end}${spellKnown(known, errors)}`;
}

const MOST_PLACES = 3;

function spellKnown(known: readonly Problem[], errors: number): string {
  if (known.length === 0) return '';
  const places = known.slice(0, MOST_PLACES).map(toLocation).join(', ');
  const more = known.length > MOST_PLACES ? ` and ${known.length - MOST_PLACES} more` : '';
  return `${known.length === errors ? '' : `, ${known.length} of them`} as before: ${places}${more}`;
}

function toRealPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // The folder is missing; reading the site reports that.
    return path;
  }
}
