import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios.ts';
import { SERVERS } from './servers/all.ts';

/** The options of one run. */
export interface Options {
  readonly scenarios: readonly string[];
  readonly servers: readonly string[];
  /** Length of each measurement, without its warm-up. */
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  /** Print where the servers spend their time, instead of comparing them. */
  readonly profile: boolean;
  /** True if every scenario runs with every server. Only such a run is written to bench/results. */
  readonly complete: boolean;
}

/** An invalid option. The message lists the valid values. */
export class OptionError extends Error {}

/** Reads the command line. Throws an OptionError. */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parse(argv);
  const scenarioNames = SCENARIOS.map(({ name }) => name);
  const serverNames = SERVERS.map(({ name }) => name);
  const { profile, only, servers = profile ? 'nexthop' : undefined } = values;
  return {
    scenarios: only === undefined ? scenarioNames : pick('--only', only, scenarioNames),
    servers: servers === undefined ? serverNames : pick('--servers', servers, serverNames),
    seconds: whole('--seconds', values.seconds, 1, 60),
    rounds: whole('--rounds', values.rounds, 1, 20),
    connections: whole('--connections', values.connections, 1, 1000),
    profile,
    complete: only === undefined && servers === undefined,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        servers: { type: 'string' },
        seconds: { type: 'string', default: '5' },
        rounds: { type: 'string', default: '3' },
        // With few connections fast servers wait for requests, and each wake-up counts as work.
        connections: { type: 'string', default: '32' },
        profile: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error));
  }
}

function pick(flag: string, text: string, known: readonly string[]): string[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new OptionError(`${flag} takes ${known.join(', ')}; got "${unknown}"`);
  return known.filter((name) => names.includes(name));
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new OptionError(`${flag} must be a whole number from ${least} to ${most}, got "${text}"`);
  }
  return value;
}
