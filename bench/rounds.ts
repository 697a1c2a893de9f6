import { type Bench, measure, type Sample } from './measure.ts';
import type { Scenario } from './scenarios.ts';
import type { Server } from './servers/server.ts';

/** All results of one server in one scenario. */
export interface Row {
  readonly scenario: Scenario;
  readonly server: Server;
  readonly samples: Sample[];
  /** Errors of measurements. One makes the row fail. */
  readonly failures: string[];
}

/** Called after each measurement. */
export type Progress = (round: number, row: Row, outcome: Sample | string) => void;

/**
 * Measures every server in each of its scenarios, round by round, so that other load of the machine affects all of them. The order of the servers rotates with each round, so that none
 * is always the first.
 */
export async function runRounds(
  { scenarios, servers, rounds }: { scenarios: readonly Scenario[]; servers: readonly Server[]; rounds: number },
  bench: Bench,
  progress: Progress,
  signal: AbortSignal,
): Promise<Row[]> {
  const rows = scenarios.flatMap((scenario) =>
    servers
      .filter(({ families }) => families.includes(scenario.family))
      .map((server): Row => ({ scenario, server, samples: [], failures: [] })),
  );
  for (let round = 1; round <= rounds; round += 1) {
    for (const scenario of scenarios) {
      const group = rows.filter((row) => row.scenario === scenario);
      const first = Math.floor(((round - 1) * group.length) / rounds);
      for (const row of [...group.slice(first), ...group.slice(0, first)]) {
        progress(round, row, await attempt(row, bench, signal));
      }
    }
  }
  return rows;
}

async function attempt({ server, scenario, samples, failures }: Row, bench: Bench, signal: AbortSignal) {
  try {
    const sample = await measure(server, scenario, bench, signal);
    samples.push(sample);
    return sample;
  } catch (error) {
    signal.throwIfAborted();
    const failure = error instanceof Error ? error.message : String(error);
    failures.push(failure);
    return failure;
  }
}
