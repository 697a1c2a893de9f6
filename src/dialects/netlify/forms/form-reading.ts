import type { Reading } from '../../../contract/dialect.ts';
import type { JobRule } from '../../../contract/job-rule.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Subscription } from '../events/event-rule.ts';
import { SUBMISSION_CREATED } from '../find/event-names.ts';
import { readForms } from './read-forms.ts';
import { withStoredSubmissions } from './submission-rules.ts';
import { NAMESPACE, Submissions } from './submissions.ts';

export interface OpenedRules {
  readonly jobRules: readonly JobRule[];
  readonly subscriptions: readonly Subscription[];
}

/**
 * The job rules of the site, and the routes for the forms that its pages declare. The modules that
 * answer submissions are imported only for a site with forms.
 */
export function toFormReading(
  project: Project,
  { jobRules, subscriptions: all }: OpenedRules,
): Pick<Reading, 'jobRules' | 'readPages'> {
  const { kv, blobs, files } = project;
  if (project.ahead || !files) return { jobRules };
  const submissions = kv && blobs && new Submissions(kv(NAMESPACE), blobs);
  const subscriptions = all.filter(({ event }) => event === SUBMISSION_CREATED);
  return {
    jobRules: submissions ? withStoredSubmissions(jobRules, subscriptions, submissions) : jobRules,
    async readPages() {
      const { forms, problems } = await readForms(files.pages);
      if (forms.length === 0) return { routes: [], problems: [...problems, ...subscriptions.map(toUnused)] };
      const { toFormRoutes } = await import('./form-routes.ts');
      const found = await toFormRoutes(forms, { project, submissions, subscriptions });
      return { routes: found.routes, problems: [...problems, ...found.problems] };
    },
  };
}

function toUnused({ file }: Subscription): Problem {
  const message =
    'handles submission-created, and no page of the site declares a form with the attribute netlify: it is never called';
  return { severity: 'warning', file, message };
}
