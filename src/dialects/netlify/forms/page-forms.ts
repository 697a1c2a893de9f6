import { Parser } from 'htmlparser2';
import type { SitePage } from '../../../contract/site-files.ts';
import { FORM_NAME, type FormField, type FormPlace } from './form.ts';

/** One `<form>` of a page. */
export interface PageForm {
  /** '' if it has none. */
  readonly name: string;
  readonly fields: readonly FormField[];
  readonly honeypot: string | undefined;
  readonly hasChallenge: boolean;
  readonly place: FormPlace;
}

/** The forms of a page that have the attribute `netlify` or `data-netlify`. */
export function readPageForms(html: string, page: SitePage): readonly PageForm[] {
  const reader = new PageReader(page);
  const parser = new Parser(reader, { lowerCaseTags: true, lowerCaseAttributeNames: true, decodeEntities: true });
  parser.write(html);
  parser.end();
  return reader.toForms();
}

type Attributes = Readonly<Record<string, string>>;

interface FoundForm {
  readonly attributes: Attributes;
  readonly fields: FoundField[];
}

interface FoundField {
  readonly attributes: Attributes;
  readonly type: string;
  /** The label around it. */
  readonly label: Label | undefined;
}

interface Label {
  text: string;
}

/** Types of inputs that are buttons. A browser submits only the name of the button that was used, so they are no fields. */
const NO_FIELDS: ReadonlySet<string> = new Set(['submit', 'button', 'image', 'reset']);

/** Elements whose text is no part of a label. */
const NO_LABEL_TEXT: ReadonlySet<string> = new Set(['select', 'textarea', 'button', 'script', 'style', 'datalist']);

class PageReader {
  readonly #page: SitePage;
  readonly #forms: FoundForm[] = [];
  /** By the `id` of the form to which they belong, for fields outside of it. */
  readonly #outside: FoundField[] = [];
  /** By the `id` of their field. */
  readonly #labels = new Map<string, Label>();
  #form: FoundForm | undefined;
  #label: Label | undefined;
  /** The element of NO_LABEL_TEXT that is open. */
  #silent: string | undefined;

  constructor(page: SitePage) {
    this.#page = page;
  }

  onopentag(name: string, attributes: Attributes): void {
    if (name === 'form') this.#openForm(attributes);
    else if (name === 'label') this.#openLabel(attributes);
    else if (name === 'input') this.#addField(attributes, (attributes.type ?? 'text').toLowerCase());
    else if (name === 'textarea' || name === 'select') this.#addField(attributes, name);
    if (NO_LABEL_TEXT.has(name)) this.#silent ??= name;
  }

  ontext(text: string): void {
    if (this.#label && this.#silent === undefined) this.#label.text += text;
  }

  onclosetag(name: string): void {
    if (name === this.#silent) this.#silent = undefined;
    if (name === 'form') this.#form = undefined;
    else if (name === 'label') this.#label = undefined;
  }

  toForms(): readonly PageForm[] {
    return this.#forms.filter(({ attributes }) => isForPlatform(attributes)).map((form) => this.#toForm(form));
  }

  #openForm(attributes: Attributes): void {
    // A form inside another one is no form (HTML standard, 13.2.6.4.7).
    if (this.#form) return;
    this.#form = { attributes, fields: [] };
    this.#forms.push(this.#form);
  }

  #openLabel({ for: id }: Attributes): void {
    this.#label = { text: '' };
    if (id !== undefined) this.#labels.set(id, this.#label);
  }

  #addField(attributes: Attributes, type: string): void {
    if (!attributes.name || NO_FIELDS.has(type)) return;
    const field = { attributes, type, label: this.#label };
    if (attributes.form !== undefined) this.#outside.push(field);
    else this.#form?.fields.push(field);
  }

  #toForm({ attributes, fields }: FoundForm): PageForm {
    const { id } = attributes;
    const all = [...fields, ...this.#outside.filter((field) => id !== undefined && field.attributes.form === id)];
    const hidden = all.find(({ attributes: { name } }) => name === FORM_NAME)?.attributes.value;
    const challenge = attributes['data-netlify-recaptcha'] ?? attributes['netlify-recaptcha'];
    return {
      name: (attributes.name || hidden || '').trim(),
      fields: all.filter(({ attributes: { name } }) => name !== FORM_NAME).map((field) => this.#toField(field)),
      honeypot: attributes['netlify-honeypot'] ?? attributes['data-netlify-honeypot'],
      hasChallenge: challenge !== undefined && challenge !== 'false',
      place: toPlace(attributes.action, this.#page),
    };
  }

  #toField({ attributes: { name = '', id }, type, label }: FoundField): FormField {
    const { text } = (id === undefined ? undefined : this.#labels.get(id)) ?? label ?? { text: '' };
    return { name, type, label: text.replaceAll(/\s+/g, ' ').trim() };
  }
}

function isForPlatform(attributes: Attributes): boolean {
  return ['netlify', 'data-netlify'].some((name) => attributes[name] !== undefined && attributes[name] !== 'false');
}

/** Any host, for URLs that are relative to a page. */
const SITE = 'http://site.invalid';

function toPlace(action: string | undefined, { path, file }: SitePage): FormPlace {
  const page = URL.parse(encodeURI(path), SITE);
  const target = URL.parse(action?.trim() ?? '', page?.href ?? SITE);
  const isHere = target?.origin === SITE;
  const submitPath = isHere ? target.pathname : undefined;
  const thanks = action?.trim() && isHere ? toLocation(target) : undefined;
  return { page: path, file, submitPath, thanks };
}

/** Without its host. A path such as `//other.example`, to which `/./\other.example` resolves, would name one in a Location. */
function toLocation({ pathname, search, hash }: URL): string {
  return pathname.replace(/^[/\\]+/, '/') + search + hash;
}
