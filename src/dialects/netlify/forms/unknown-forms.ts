import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { didYouMean } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import { NO_FILES } from '../../../contract/site-files.ts';
import type { Outcome } from '../../../contract/target.ts';
import { type Form, isPathOf } from './form.ts';
import type { UnknownForm } from './form-search.ts';

/** Clients choose the names: further ones are not logged. */
const MOST_NAMES = 20;
const MOST_LETTERS = 100;

/**
 * Submissions that name a form which no page declares. To a page of the site they get 404, as on the platform, unless other
 * code of the site answers the path; any other path may be one of the next hop. error.log names the forms that there are,
 * once for each name.
 */
export class UnknownForms {
  readonly #project: Project;
  readonly #forms: readonly string[];
  readonly #logged = new Set<string>();

  constructor(project: Project, forms: readonly Form[]) {
    this.#project = project;
    this.#forms = forms.map(({ name }) => name);
  }

  answer(exchange: Exchange, { unknownName }: UnknownForm): Outcome {
    const { dev } = this.#project;
    const name = unknownName.slice(0, MOST_LETTERS);
    const message = `no page of the site declares the form ${JSON.stringify(name)}${didYouMean(name, this.#forms)}`;
    const forms = this.#forms.slice(0, MOST_NAMES).join(', ');
    const [path = ''] = exchange.target.split('?', 1);
    this.#report(name, message, { forms, path });
    if (!this.#isOfPage(exchange, path)) return 'passed';
    throw new Fault('not_found', { message, clientMessage: dev ? `${message} (there are: ${forms})` : NOT_DECLARED });
  }

  #report(name: string, message: string, details: Readonly<Record<string, string>>): void {
    if (this.#logged.has(name) || this.#logged.size >= MOST_NAMES) return;
    this.#logged.add(name);
    this.#project.log.warn(message, details);
  }

  #isOfPage({ target, request: { host = '' } }: Exchange, path: string): boolean {
    const { files = NO_FILES, siteRoutes } = this.#project;
    if (!files.pages.some(({ path: page }) => isPathOf(page, path))) return false;
    // The route of forms itself is of step 2.
    return !siteRoutes?.find('POST', target, host).some(({ route: { step } }) => step > 2);
  }
}

const NOT_DECLARED = 'no page of the site declares this form';
