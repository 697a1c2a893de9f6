import type { ReadStream } from 'node:tty';
import { messageOf } from '../contract/error-message.ts';
import type { JobRule } from '../contract/job-rule.ts';
import type { Terminal } from '../dev/terminal.ts';
import type { Edge } from '../edge.ts';
import { align } from './align.ts';
import { openInBrowser } from './open-in-browser.ts';
import { spellSchedule } from './routes-listed.ts';
import { toRouteLines } from './routes-table.ts';

export interface DevKeysParts {
  readonly edge: Edge;
  readonly terminal: Terminal;
  /** Absolute path of the site. */
  readonly root: string;
  /** Of the site. */
  readonly url: string;
  /** Ends nexthop. */
  readonly end: () => void;
}

const HELP = [
  'r  print the routes of the site, in their order',
  'l  clear the terminal',
  'o  open the site in the browser',
  'j  print the jobs and schedules of the site',
  's  run a schedule now',
  'q  quit',
  '?  print the keys',
];

const CLEAR = '\x1b[2J\x1b[3J\x1b[H';

/** What the keys of `nexthop dev` do. */
export class DevKeys {
  readonly #parts: DevKeysParts;
  /** Schedules of which the next key chooses one. */
  #choices: readonly JobRule[] = [];

  readonly #actions: Readonly<Record<string, () => void>>;

  constructor(parts: DevKeysParts) {
    this.#parts = parts;
    const help = (): void => this.#print(HELP);
    this.#actions = Object.assign(Object.create(null), {
      r: () => this.#printRoutes(),
      l: () => parts.terminal.note(CLEAR),
      o: () => openInBrowser(parts.url, (line) => parts.terminal.note(line)),
      j: () => this.#printJobs(),
      s: () => this.#chooseSchedule(),
      q: parts.end,
      h: help,
      '?': help,
    });
  }

  press(key: string): void {
    const chosen = this.#choices[Number(key) - 1];
    this.#choices = [];
    if (chosen) void this.#run(chosen);
    else this.#actions[key]?.();
  }

  #printRoutes(): void {
    const { edge, root } = this.#parts;
    this.#print(toRouteLines({ root, site: edge.site }));
  }

  #printJobs(): void {
    const rules = this.#parts.edge.site.jobRules;
    const rows = rules.map((rule) => [rule.name, spellSchedule(rule), rule.file]);
    this.#print(rows.length > 0 ? align(rows) : ['the site has no jobs and no schedules']);
  }

  #chooseSchedule(): void {
    const rules = this.#parts.edge.site.jobRules.filter(({ schedule }) => schedule !== undefined);
    const [only] = rules;
    if (rules.length === 1 && only) void this.#run(only);
    else if (rules.length === 0) this.#print(['the site has no schedules']);
    else {
      this.#choices = rules.slice(0, 9);
      const rows = align(this.#choices.map((rule, at) => [String(at + 1), rule.name, spellSchedule(rule)]));
      this.#print(['which schedule? press its number, or another key for none', ...rows]);
    }
  }

  async #run({ name }: JobRule): Promise<void> {
    const { edge, terminal } = this.#parts;
    try {
      await edge.running.runNow(name);
      terminal.note(`  ${name} runs`);
    } catch (error) {
      terminal.note(`  ${name} cannot be run: ${messageOf(error)}`);
    }
  }

  #print(lines: readonly string[]): void {
    const { terminal } = this.#parts;
    for (const line of lines) terminal.note(`  ${line}`.trimEnd());
  }
}

export interface KeysParts {
  readonly stdin: ReadStream;
  /** Called with each key, e.g. `r`. */
  readonly onKey: (key: string) => void;
  /**
   * Called for Ctrl-C, which is no signal any more, and when the terminal is closed: SIGHUP is a reload, so the server would run on
   * and keep the port.
   */
  readonly onInterrupt: () => void;
}

/** Reads single keys of a terminal. Returns a function that gives the terminal back. */
export function listenToKeys({ stdin, onKey, onInterrupt }: KeysParts): () => void {
  const listen = (bytes: Buffer): void => {
    for (const key of bytes.toString()) {
      // Ctrl-C and Ctrl-D.
      if (key === '\x03' || key === '\x04') onInterrupt();
      else onKey(key);
    }
  };
  stdin.setRawMode(true);
  stdin.on('data', listen);
  // Reading a closed terminal fails (EIO), or ends.
  for (const event of CLOSED) stdin.on(event, onInterrupt);
  stdin.resume();
  return () => {
    stdin.off('data', listen);
    for (const event of CLOSED) stdin.off(event, onInterrupt);
    // The terminal may fail later.
    stdin.on('error', () => undefined);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

const CLOSED = ['end', 'error'] as const;

export function isTerminal(stdin: NodeJS.ReadStream): stdin is ReadStream {
  return stdin.isTTY === true;
}
