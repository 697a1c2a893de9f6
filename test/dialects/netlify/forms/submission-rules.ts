import test from 'ava';
import type { JobAttempt } from '../../../../src/contract/job-rule.ts';
import { toEventPayload } from '../../../../src/dialects/netlify/events/event-rule.ts';
import { SUBMISSION_CREATED } from '../../../../src/dialects/netlify/find/event-names.ts';
import type { Submission } from '../../../../src/dialects/netlify/forms/submission.ts';
import { withStoredSubmissions } from '../../../../src/dialects/netlify/forms/submission-rules.ts';
import { configureSqlite } from '../../../helpers/configured-store.ts';
import { submissionsIn, toSubmissions } from '../../../helpers/form-site.ts';

const SUBMISSION: Submission = {
  ...{ id: '01J0000000000000000000000A', form: 'contact', createdAt: '2026-01-01T00:00:00.000Z' },
  ...{ fields: [['a', '1']], files: [], ip: '', userAgent: '', referrer: '', siteUrl: '' },
};
const SITE = { id: '', name: '', url: '', admin_url: '' };

test('the first run of an event stores a submission that its process did not store, and later runs do not', async (t) => {
  const { open } = await configureSqlite(t);
  const store = await open();
  const ran: number[] = [];
  const rule = {
    ...{ name: 'netlify/submission-created', file: 'a.mjs', timeoutMs: 0, retryAfterMs: [] },
    run: async ({ number }: JobAttempt) => void ran.push(number),
  };
  const subscription = { event: SUBMISSION_CREATED, rule: rule.name, file: rule.file };
  const [wrapped] = withStoredSubmissions([rule], [subscription], toSubmissions(store));
  const payload = toEventPayload({ payload: {}, site: SITE }, SUBMISSION);
  const run = async (number: number) =>
    wrapped?.run({ id: 'x', payload, number, signal: new AbortController().signal });

  await run(1);
  t.deepEqual(await submissionsIn(store), [SUBMISSION]);
  await toSubmissions(store).delete(SUBMISSION.id);
  await run(2);

  t.deepEqual(await submissionsIn(store), []);
  t.deepEqual(ran, [1, 2]);
});
