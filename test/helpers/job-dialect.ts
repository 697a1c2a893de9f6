import type { Dialect, Reading } from '../../src/contract/dialect.ts';
import type { JobAttempt, JobIntake } from '../../src/contract/job-rule.ts';
import type { Outcome, Target } from '../../src/contract/target.ts';
import { route } from './route.ts';
import { writeText } from './write-text.ts';

export interface JobDialect extends Dialect {
  /** The function that runs jobs after the next reading of the site. */
  run: (text: string, attempt: JobAttempt) => Promise<void>;
  /** A request waits for this promise. */
  beforePush: () => Promise<void>;
}

/** A dialect with one rule: `/push?text` pushes a job and answers with its id, and the job runs with the text. */
export function jobDialect(run: JobDialect['run']): JobDialect {
  return {
    name: 'jobs',
    looksFor: 'nothing',
    run,
    beforePush: async () => {},
    async read({ jobs }): Promise<Reading> {
      // The current function, as a dialect keeps the code that it loaded.
      const { run, beforePush } = this as JobDialect;
      return {
        routes: jobs
          ? [route('/push', { target: pushTarget(jobs, beforePush) }), route('/none', { target: answering('none') })]
          : [],
        jobRules: [
          {
            name: 'jobs/one',
            file: 'one.js',
            timeoutMs: 0,
            retryAfterMs: [],
            run: (attempt) => run(new TextDecoder().decode(attempt.payload), attempt),
          },
        ],
        ignored: [],
        problems: [],
      };
    },
  };
}

function pushTarget(jobs: JobIntake, beforePush: () => Promise<void>): Target {
  return {
    name: 'push',
    async answer(exchange): Promise<Outcome> {
      await beforePush();
      writeText(exchange, 200, await jobs.push('jobs/one', new TextEncoder().encode(exchange.target.split('?')[1])));
      return 'answered';
    },
  };
}

function answering(text: string): Target {
  return {
    name: text,
    answer(exchange) {
      writeText(exchange, 200, text);
      return 'answered';
    },
  };
}
