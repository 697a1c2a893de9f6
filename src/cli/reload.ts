import type { Config } from '../config/config.ts';
import { messageOf } from '../contract/error-message.ts';
import { type Problem, toLocation } from '../contract/problem.ts';
import { askProcesses, type ControlSocket, openControlSocket } from '../process/control-socket.ts';
import type { Reload } from '../site/reload.ts';
import { defineCommand } from './command.ts';
import { keepLogDir } from './log-dir-record.ts';
import { spellCounts } from './routes-listed.ts';

type Out = (line: string) => void;

export const command = defineCommand({
  forms: ['reload [SITE]'],
  about:
    'Makes each nexthop that uses the DATA_DIR of the site read the site again. Requests are answered meanwhile. A function whose new code does not load keeps the code that worked before.',
  flags: { json: { about: 'print one JSON object' } },
  examples: [
    ['nexthop reload my-site', 'after new files were copied into my-site'],
    ['nexthop reload --data-dir=/srv/data', 'the nexthop that was started with this DATA_DIR'],
  ],
  exits: { 0: 'the new site serves, and all of it works', 1: 'it does not, or a part of it does not work' },
  run: ({ config, out, complain, flags }) => reload(config, out, { complain, ...flags }),
});

export interface ReloadOptions {
  /** Prints a line for a person, apart from the result. */
  readonly complain: Out;
  /** Time for a process to answer. Default: 2 minutes. */
  readonly limitMs?: number;
  /** Prints one JSON object instead of lines. */
  readonly json?: boolean;
}

/** A file may take 10 s to load, and a reload that is already running is waited for. */
const LIMIT_MS = 120_000;
/** Shorter reloads print only their result. */
const CALM_MS = 1000;

/** What a process answers. */
type Answer = ({ readonly pid: number; readonly site: string } & Reload) | { readonly error: string };

/**
 * Reloads each nexthop that uses the DATA_DIR of this configuration. Resolves with the exit code: 0
 * if each of them serves the new site and all of it works.
 */
export async function reload(
  { DATA_DIR, site }: Config,
  out: Out,
  { complain, limitMs = LIMIT_MS, json = false }: ReloadOptions,
): Promise<number> {
  let asked: readonly Promise<unknown>[];
  try {
    asked = await askProcesses(DATA_DIR, { command: 'reload' }, limitMs);
  } catch (error) {
    const reason = messageOf(error);
    complain(`nexthop: running processes with DATA_DIR ${DATA_DIR} cannot be found, run this as their user: ${reason}`);
    return 1;
  }
  if (asked.length === 0) {
    complain(`nexthop: no nexthop runs with DATA_DIR ${DATA_DIR}: start one, or name its site or its DATA_DIR`);
    return 1;
  }
  const calm = setTimeout(() => complain(`reading ${site} again; requests are answered meanwhile`), CALM_MS);
  const outcomes = await Promise.allSettled(asked);
  clearTimeout(calm);
  const answers = outcomes.map((outcome): Answer => {
    // A process of another version may answer something else, which fails below like an error.
    return outcome.status === 'fulfilled' ? (outcome.value as Answer) : { error: messageOf(outcome.reason) };
  });
  if (json) out(JSON.stringify({ reloaded: answers.every(isWhole), processes: answers }, undefined, 2));
  for (const answer of json ? [] : answers) {
    if ('error' in answer) out(`not reloaded: ${answer.error}`);
    else for (const line of describeReload(answer.site, answer)) out(line);
  }
  return answers.every(isWhole) ? 0 : 1;
}

/** The result of a reload, as lines for a person. */
export function describeReload(site: string, reload: Reload): readonly string[] {
  const { problems } = reload;
  if (reload.state === 'kept') {
    return [`not reloaded: ${reload.reason}; the previous site stays in use`, ...problems.map(toLine)];
  }
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  // Not "reloaded": a reader of the first line alone would take it for a success.
  const verb = errors === 0 ? 'reloaded' : `reloaded in part, with ${errors === 1 ? '1 error' : `${errors} errors`}:`;
  const took = `in ${(reload.tookMs / 1000).toFixed(1)} s`;
  return [`${verb} ${site}: ${spellCounts(reload)} ${took}`, ...problems.map(toLine)];
}

export interface Reloading {
  readonly config: Config;
  /** Prints a line on the terminal of the server. */
  readonly out: Out;
  /** Reads the site again in all processes of this server. Never rejects. */
  readonly reload: () => Promise<Reload>;
  readonly warn: (message: string, details: { readonly error: unknown }) => void;
  /** Default: `describeReload`. */
  readonly describe?: (reload: Reload) => readonly string[];
}

/** Reloads the site of this server, and prints the result on its terminal. */
export async function reloadAndPrint({ config, out, reload, describe }: Reloading): Promise<Reload> {
  const outcome = await reload();
  for (const line of describe?.(outcome) ?? describeReload(config.site, outcome)) out(line);
  return outcome;
}

/**
 * Leaves in DATA_DIR what `nexthop reload` and `nexthop logs` need to find this process. Resolves with
 * undefined if `nexthop reload` cannot reach it; SIGHUP still does.
 */
export async function openControl(reloading: Reloading): Promise<ControlSocket | undefined> {
  const { config, warn } = reloading;
  try {
    // `nexthop dev` writes no files by default, and must not hide those of a server of the same site.
    if (config.given.has('LOG_DIR') || config.LOG_DIR !== '') keepLogDir(config);
    return await openControlSocket(config.DATA_DIR, async ({ command }) => {
      if (command !== 'reload') throw new Error(`there is no command ${JSON.stringify(command)}`);
      return { pid: process.pid, site: config.site, ...(await reloadAndPrint(reloading)) };
    });
  } catch (error) {
    warn('nexthop reload cannot reach this process, because no socket can be opened in DATA_DIR; send SIGHUP', {
      error,
    });
    return undefined;
  }
}

/** A problem as a line of a list for a person. */
export function toLine(problem: Problem): string {
  return `  ${problem.severity.padEnd(10)}${toLocation(problem)} ${problem.message}`;
}

function isWhole(answer: Answer): boolean {
  if ('error' in answer || answer.state !== 'exchanged') return false;
  return answer.problems.every(({ severity }) => severity === 'warning');
}
