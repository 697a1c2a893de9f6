import type { Exchange } from '../../../contract/exchange.ts';
import { CHALLENGE, FORM_NAME, type Form, type Forms } from './form.ts';

/** How much of a body is searched for the name of its form. */
const SEARCHED_BYTES = 256 * 1024;
const FIRST_SEARCH_BYTES = 1024;

/** The body names a form that no page declares. */
export interface UnknownForm {
  readonly unknownName: string;
}

/**
 * Finds the form of which a request is a submission, from the beginning of its body. Takes nothing
 * of the body. Undefined: the request is for something else.
 */
export async function findForm(exchange: Exchange, forms: Forms): Promise<Form | UnknownForm | undefined> {
  const { request } = exchange;
  const search = toSearch(request.get('content-type') ?? '');
  // A browser announces the length of a form.
  if (!search || request.body.announcedBytes <= 0) return undefined;
  let nextSearch = FIRST_SEARCH_BYTES;
  const content = await request.body.peek((part) => {
    if (part.length >= SEARCHED_BYTES) return true;
    // Searched again after it has doubled: a client may send it byte by byte.
    if (part.length < nextSearch) return false;
    nextSearch = 2 * part.length;
    return search(part, false).formName !== undefined;
  });
  const { formName, names } = search(content, content.length >= request.body.announcedBytes);
  if (formName !== undefined) return forms.get(formName) ?? { unknownName: formName };
  const [path = ''] = exchange.target.split('?', 1);
  return chooseByNames(forms.at(path), names);
}

/**
 * The platform adds a hidden field with the name of the form to each page; files are served as they
 * are here. Without that field the form is one that some page submits to this path, and that has
 * all fields of the submission: the one with the fewest others.
 */
function chooseByNames(candidates: ReadonlySet<Form>, names: readonly string[]): Form | undefined {
  if (names.length === 0) return undefined;
  const isOf = ({ fields, honeypots }: Form): boolean =>
    names.every((name) => fields.has(name) || honeypots.has(name) || name === CHALLENGE);
  return [...candidates].filter(isOf).sort((left, right) => left.fields.size - right.fields.size)[0];
}

interface Found {
  readonly formName: string | undefined;
  /** Of the fields that are whole. */
  readonly names: readonly string[];
}

type Search = (content: Buffer, isWhole: boolean) => Found;

function toSearch(contentType: string): Search | undefined {
  if (/^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType)) return searchPairs;
  if (!/^\s*multipart\/form-data\s*;/i.test(contentType)) return undefined;
  const [, quoted, token] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? token;
  return boundary === undefined ? undefined : (content) => searchParts(content, `--${boundary}`);
}

function searchPairs(content: Buffer, isWhole: boolean): Found {
  const text = content.toString('latin1');
  const end = isWhole ? text.length : Math.max(0, text.lastIndexOf('&'));
  const pairs = [...new URLSearchParams(content.subarray(0, end).toString())];
  return { formName: pairs.find(([name]) => name === FORM_NAME)?.[1], names: pairs.map(([name]) => name) };
}

/** The fields of the parts that have ended (RFC 7578); the parser of the submission reads them again, and checks them. */
function searchParts(content: Buffer, delimiter: string): Found {
  const parts = content.toString('latin1').split(`\r\n${delimiter}`);
  const whole = parts.slice(0, -1).map((part, index) => (index === 0 ? part.slice(delimiter.length) : part));
  const fields = whole.flatMap((part) => {
    const end = part.indexOf('\r\n\r\n');
    const [, name] =
      /^content-disposition:\s*form-data\s*;(?:.*;)?\s*name="([^"\r\n]*)"/im.exec(part.slice(0, end)) ?? [];
    return end < 0 || name === undefined ? [] : [{ name: decode(name), value: part.slice(end + 4) }];
  });
  const named = fields.find(({ name }) => name === FORM_NAME);
  return { formName: named && decode(named.value), names: fields.map(({ name }) => name) };
}

function decode(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString();
}
