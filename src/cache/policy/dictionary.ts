/** The value of a member: `true` without a value; the number of an Integer; 'other' for a value of any other type. */
export type MemberValue = true | number | 'other';

/**
 * Parses a Dictionary of Structured Fields (RFC 9651 3.2), of which the cache reads Booleans and Integers. Undefined if the text is not valid as a
 * whole. Of a repeated key the last one counts.
 */
export function parseDictionary(text: string): ReadonlyMap<string, MemberValue> | undefined {
  const members = new Map<string, MemberValue>();
  const rest = text.replace(/^ +| +$/g, '');
  let at = 0;
  while (at < rest.length) {
    const member = matchAt(MEMBER, rest, at);
    if (!member) return undefined;
    const [whole, key = '', value] = member;
    members.delete(key);
    members.set(key, toMemberValue(value));
    at += whole.length;
    if (at === rest.length) return members;
    const comma = matchAt(COMMA, rest, at);
    // A comma at the end is an error.
    if (!comma || at + comma[0].length === rest.length) return undefined;
    at += comma[0].length;
  }
  return members;
}

const KEY = '[a-z*][a-z0-9_.*-]*';
const INTEGER = '-?\\d{1,15}';
const BARE_ITEM = [
  `-?\\d{1,12}\\.\\d{1,3}(?!\\d)`,
  `${INTEGER}(?![\\d.])`,
  `"(?:[ !#-[\\]-~]|\\\\["\\\\])*"`,
  `[A-Za-z*][!#$%&'*+.^_\`|~0-9A-Za-z:/-]*`,
  `:[A-Za-z0-9+/=]*:`,
  `\\?[01]`,
  `@${INTEGER}(?![\\d.])`,
  `%"(?:[ !#$&-~]|%[0-9a-f]{2})*"`,
].join('|');
const PARAMETERS = `(?:; *${KEY}(?:=(?:${BARE_ITEM}))?)*`;
const ITEM = `(?:${BARE_ITEM})${PARAMETERS}`;
const INNER_LIST = `\\( *(?:${ITEM}(?: +${ITEM})* *)?\\)${PARAMETERS}`;
const MEMBER = new RegExp(`(${KEY})(?:=(${ITEM}|${INNER_LIST})|${PARAMETERS})`, 'y');
const COMMA = /[ \t]*,[ \t]*/y;
const WHOLE_INTEGER = new RegExp(`^(${INTEGER})(?:;|$)`);

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** `text`: with its parameters. Undefined for a member without a value. */
function toMemberValue(text: string | undefined): MemberValue {
  if (text === undefined || /^\?1(?:;|$)/.test(text)) return true;
  const integer = WHOLE_INTEGER.exec(text)?.[1];
  return integer === undefined ? 'other' : Number(integer);
}
