import type { JobRule } from '../../src/contract/job-rule.ts';

/** A rule named 'mail' that does nothing, at length of a minute at most, and is not tried again. */
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
