import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Config } from '../config/config.ts';
import { readProcessStat } from '../process/process-stat.ts';

const CHECK_MS = 500;
/** The end of a session sends SIGHUP to npm and to this process. */
const HANGUP_MS = 5000;
/** stdin, stdout and stderr. */
const STREAMS = [0, 1, 2];
/** npm starts a shell, which starts this process. */
const MOST_LEVELS = 4;

/** Ends this process when the npm that started it has ended. */
export function endWithNpm({ functionEnv }: Pick<Config, 'functionEnv'>): void {
  if (functionEnv.npm_execpath !== undefined) watchNpm(() => process.kill(process.pid, 'SIGTERM'));
}

/**
 * Calls `onGone` once when the npm that started this process ends. npm ends its shell at a signal,
 * and that shell does not pass it on; after `kill -9` of npm the shell stays, too. Does nothing if
 * npm did not start this process, and on other systems than Linux.
 *
 * A process that was started by `nohup` outlives its session: npm, a program of Node, ends by the
 * SIGHUP, because Node does not keep it ignored. `nohup` leaves the process no terminal.
 */
function watchNpm(onGone: () => void): void {
  const chain = findNpm();
  if (!chain) return;
  // Read now: a terminal that was closed is none any more.
  const hadTerminal = STREAMS.some((fd) => isatty(fd));
  let hungUpAtMs = -Infinity;
  process.on('SIGHUP', () => {
    hungUpAtMs = performance.now();
  });
  let wasThere = true;
  const timer = setInterval(() => {
    const isThere = chain.every(
      (pid, level) => readProcessStat(level === 0 ? 'self' : (chain[level - 1] ?? 0))?.parentId === pid,
    );
    if (isThere) return;
    // After a long turn of the event loop this check runs before the listener for a signal that
    // has arrived meanwhile. The next check runs after it.
    if (wasThere) {
      wasThere = false;
      return;
    }
    clearInterval(timer);
    const isEndOfSession = performance.now() - hungUpAtMs < HANGUP_MS;
    if (!isEndOfSession || hadTerminal) onGone();
  }, CHECK_MS).unref();
}

/** The processes above this one up to npm; undefined without npm. */
function findNpm(): readonly number[] | undefined {
  const chain: number[] = [];
  for (let pid = process.ppid; pid > 0 && chain.length < MOST_LEVELS; pid = readProcessStat(pid)?.parentId ?? 0) {
    chain.push(pid);
    if (isNpm(pid)) return chain;
  }
  return undefined;
}

/** npm's title is its command: `npm exec nexthop start`. */
function isNpm(pid: number): boolean {
  const [program = '', script = ''] = readCommand(pid).split('\0');
  return /^np[mx](?:\s|$)/.test(program) || /\/np[mx](?:-cli\.js)?$/.test(script);
}

function readCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // The process has ended, or this system has no such files.
    return '';
  }
}
