import type { Reading } from '../../../contract/dialect.ts';
import { messageOf } from '../../../contract/error-message.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import { toSiteInfo } from '../call/platform.ts';
import type { Subscription } from '../events/event-rule.ts';
import { Challenge } from './challenge.ts';
import { FileDownload } from './file-download.ts';
import { type Form, Forms } from './form.ts';
import { FormTarget, type FormTargetParts } from './form-target.ts';
import { FILES_PATH } from './submission.ts';
import type { Submissions } from './submissions.ts';
import { UnknownForms } from './unknown-forms.ts';

export interface FormRoutesParts {
  readonly project: Project;
  readonly submissions: Submissions | undefined;
  /** To `submission-created`. */
  readonly subscriptions: readonly Subscription[];
}

/** The routes for the forms of a site, of which there is at least one. */
export async function toFormRoutes(
  forms: readonly Form[],
  { project, submissions, subscriptions }: FormRoutesParts,
): Promise<Pick<Reading, 'routes' | 'problems'>> {
  const { log, jobs, env, forms: limits = NO_LIMITS } = project;
  const { SITE_RECAPTCHA_SECRET: secret } = env;
  const target = new FormTarget({
    forms: new Forms(forms),
    site: toSiteInfo(env),
    submissions,
    jobs,
    subscriptions,
    challenge: secret ? new Challenge(secret, log) : undefined,
    rate: toRate(project),
    bodyLimitBytes: limits.bodyBytes,
    log,
    unknown: new UnknownForms(project, forms),
  });
  const file = forms[0]?.places[0]?.file ?? '';
  const about = `submissions of ${forms.map(({ name }) => name).join(', ')}`;
  const common = { step: 2, dialect: 'netlify', file } as const;
  return {
    routes: [
      { ...common, pattern: ANY_PATH, methods: ['POST'], target, rank: LAST, about },
      {
        ...common,
        pattern: FILE_PATH,
        methods: ['GET', 'HEAD'],
        target: new FileDownload(submissions),
        about: 'uploads',
      },
    ],
    problems: [...(secret ? [] : toUnchecked(forms)), ...(await toUnstored(forms, submissions))],
  };
}

/** Undefined: no limit. */
function toRate({ rateLimits, forms: { perMinute } = NO_LIMITS }: Project): FormTargetParts['rate'] {
  if (!rateLimits || perMinute === 0) return undefined;
  const rule = { id: `forms-${perMinute}`, name: 'forms', limit: perMinute, windowMs: 60_000, by: ['ip'] } as const;
  return { limiter: rateLimits.limiter, rule };
}

const NO_LIMITS = { bodyBytes: 0, perMinute: 0 };

/** After all functions, as on the platform: a function for a path gets the submissions to it. */
const LAST = 9;

/** Its text shows no path: whether a request is a submission is written in its body. */
const ANY_PATH = { text: 'POST of a form', segments: [{ kind: 'catch-all', name: '', orNone: true }] } as const;

const FILE_PATH = {
  text: `${FILES_PATH}/:id/:key/:name`,
  segments: [
    ...FILES_PATH.slice(1)
      .split('/')
      .map((text) => ({ kind: 'literal', text }) as const),
    ...['id', 'key', 'name'].map((name) => ({ kind: 'param', name }) as const),
  ],
};

async function toUnstored(forms: readonly Form[], submissions: Submissions | undefined): Promise<readonly Problem[]> {
  const found = forms.find(({ fields }) => [...fields.values()].some(({ type }) => type === 'file'));
  if (!found || !submissions) return [];
  try {
    await submissions.checkFiles();
    return [];
  } catch (error) {
    const why = messageOf(error);
    const message = `the form ${JSON.stringify(found.name)} has a field for files, and submissions with files fail: ${why}`;
    return [{ severity: 'warning', file: found.places[0]?.file ?? '', message }];
  }
}

function toUnchecked(forms: readonly Form[]): readonly Problem[] {
  return forms
    .filter(({ hasChallenge }) => hasChallenge)
    .map(({ name, places }) => ({
      severity: 'warning',
      file: places[0]?.file ?? '',
      message: `the form ${JSON.stringify(name)} has data-netlify-recaptcha, and the variable SITE_RECAPTCHA_SECRET is not set: submissions are accepted without a challenge`,
    }));
}
