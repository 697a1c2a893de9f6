import type { JobAttempt, JobRule } from '../../../contract/job-rule.ts';
import { type Subscription, splitPayload } from '../events/event-rule.ts';
import type { Submission } from './submission.ts';
import type { Submissions } from './submissions.ts';

/** The rules of a site, of which those for `submission-created` first make sure that the submission is stored. */
export function withStoredSubmissions(
  rules: readonly JobRule[],
  subscriptions: readonly Subscription[],
  submissions: Submissions,
): readonly JobRule[] {
  const names = new Set(subscriptions.map(({ rule }) => rule));
  return rules.map((rule) => (names.has(rule.name) ? withStored(rule, submissions) : rule));
}

function withStored(rule: JobRule, submissions: Submissions): JobRule {
  return {
    ...rule,
    async run(attempt) {
      await store(attempt, submissions);
      await rule.run(attempt);
    },
  };
}

/** The process may have ended between the event and the submission. Later attempts store nothing: it may have been deleted since. */
async function store({ number, payload }: JobAttempt, submissions: Submissions): Promise<void> {
  const [, rest] = splitPayload(payload);
  if (number > 1 || rest.length === 0) return;
  const submission = JSON.parse(rest.toString()) as Submission; // as FormTarget wrote it
  if (!(await submissions.has(submission.id))) await submissions.put(submission);
}
