import { Cron } from 'croner';

/** The times of a recurring job. All times are milliseconds since the epoch. */
export class Schedule {
  readonly #cron: Cron;

  /**
   * Takes five fields, or an alias such as `@daily`, and the IANA name of a time zone. Throws
   * croner's error for other text, and a RangeError for an unknown zone.
   */
  constructor(text: string, timezone = 'UTC') {
    // Paused and without a function, croner only calculates. Its timers would fire in every process.
    this.#cron = new Cron(text, { timezone, mode: '5-part', paused: true });
  }

  /** The first time after `moment`; undefined if there is none, as for February 30. */
  nextAfter(moment: number): number | undefined {
    return this.#cron.nextRun(new Date(moment))?.getTime();
  }

  /** The last time at or before `moment`; undefined if there was none. */
  lastUntil(moment: number): number | undefined {
    return this.#cron.previousRuns(1, new Date(moment + 1))[0]?.getTime();
  }
}
