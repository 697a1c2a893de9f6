import type { JobRule } from '../../src/contract/job-rule.ts';

/** A rule named 'mail' that does nothing, with a timeout of a minute and without retries. */
export function jobRule(parts: Partial<JobRule> = {}): JobRule {
  return {
    name: 'mail',
    file: 'functions/mail.js',
    timeoutMs: 60_000,
    retryAfterMs: [],
    run: async () => {},
    ...parts,
  };
}
