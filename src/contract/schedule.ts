import { Cron } from 'croner';

/** When something recurs, in UTC. Moments are milliseconds since the epoch. */
export class Schedule {
  readonly #cron: Cron;

  /** Five fields, or an alias such as `@daily`. Throws croner's error for what it cannot read. */
  constructor(text: string) {
    // Paused and without a function it only calculates: its own timers know nothing of other processes.
    this.#cron = new Cron(text, { timezone: 'UTC', mode: '5-part', paused: true });
  }

  /** The first moment after this one; undefined if there is none, as for February 30. */
  nextAfter(moment: number): number | undefined {
    return this.#cron.nextRun(new Date(moment))?.getTime();
  }

  /** The last moment up to and with this one; undefined if there was none. */
  lastUntil(moment: number): number | undefined {
    return this.#cron.previousRuns(1, new Date(moment + 1))[0]?.getTime();
  }
}
