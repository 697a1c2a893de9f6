/** A form that pages of the site declare for the platform. Forms of one name are one form. */
export interface Form {
  readonly name: string;
  /** By name, in the order of the pages. */
  readonly fields: ReadonlyMap<string, FormField>;
  /** Fields that only programs fill in. */
  readonly honeypots: ReadonlySet<string>;
  /** A submission needs a solved challenge of reCAPTCHA. */
  readonly hasChallenge: boolean;
  /** Where it is declared. At least one. */
  readonly places: readonly FormPlace[];
}

export interface FormField {
  readonly name: string;
  /** Type of an input, or `textarea`, `select`. */
  readonly type: string;
  /** Text of its label; '' if it has none. */
  readonly label: string;
}

export interface FormPlace {
  /** Path of the page, decoded. */
  readonly page: string;
  /** The file of the page, relative to the site. */
  readonly file: string;
  /** Path to which a browser submits it, raw; undefined: a URL of another host. */
  readonly submitPath: string | undefined;
  /** The thank-you page: path, query and fragment of `action`. Undefined: the form has none, and the built-in page is the answer. */
  readonly thanks: string | undefined;
}

/** The field in which a submission names its form. */
export const FORM_NAME = 'form-name';
/** The field in which a solved challenge of reCAPTCHA is submitted. */
export const CHALLENGE = 'g-recaptcha-response';

/** The forms of a site, found by the name or the path in a submission. */
export class Forms {
  readonly #byName: ReadonlyMap<string, Form>;
  readonly #byPath = new Map<string, Set<Form>>();

  constructor(forms: readonly Form[]) {
    this.#byName = new Map(forms.map((form) => [form.name, form]));
    for (const form of forms) {
      for (const { submitPath } of form.places) {
        if (submitPath === undefined) continue;
        const key = withoutSlash(submitPath);
        this.#byPath.set(key, (this.#byPath.get(key) ?? new Set()).add(form));
      }
    }
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  get(name: string): Form | undefined {
    return this.#byName.get(name);
  }

  /** The forms that pages submit to a path (raw). */
  at(path: string): ReadonlySet<Form> {
    return this.#byPath.get(withoutSlash(path)) ?? NONE;
  }
}

const NONE: ReadonlySet<Form> = new Set();

/** The place of a form that a submission comes from: by the path of the request, or else by the page that its Referer names. */
export function findPlace({ places }: Form, path: string, referrer: string): FormPlace | undefined {
  const page = decode(URL.parse(referrer)?.pathname ?? '');
  const isFrom = (place: FormPlace): boolean => withoutSlash(place.page) === withoutSlash(page);
  const isTo = ({ submitPath }: FormPlace): boolean =>
    submitPath !== undefined && withoutSlash(submitPath) === withoutSlash(path);
  return (
    places.find((place) => isFrom(place) && isTo(place)) ??
    places.find(isFrom) ??
    places.find(isTo) ??
    places.find(({ thanks }) => thanks !== undefined)
  );
}

/** Whether a path (raw) is that of a page. */
export function isPathOf(page: string, path: string): boolean {
  return withoutSlash(page) === withoutSlash(decode(path));
}

/** Pages have both forms, and `/about` may be reached as `/about.html`. */
function withoutSlash(path: string): string {
  return path.replace(/(?:index)?\.html?$/, '').replace(/(?<=.)\/$/, '');
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A "%" without two hexadecimal digits.
    return path;
  }
}
