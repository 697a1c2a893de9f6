import type { CacheRule } from '../contract/cache.ts';
import type { Exchange } from '../contract/exchange.ts';
import { type AskedHeaders, toMisleadingPart } from './misleading-headers.ts';
import type { Variation } from './policy/variation.ts';

/**
 * What is the same for all variants of a URL: scheme, host and path as code of the site sees them in `request.url`. The path is not decoded: two
 * spellings are two keys, which costs a hit and never mixes up two pages.
 */
export function toPrimaryKey({ client, request, target }: Exchange): string {
  const query = target.indexOf('?');
  return `${client.proto}://${toHost(request.host ?? '', client.proto)}${query < 0 ? target : target.slice(0, query)}`;
}

/** In lower case, without the default port of the scheme. */
function toHost(host: string, proto: 'http' | 'https'): string {
  const lowerHost = host.toLowerCase();
  const port = proto === 'http' ? ':80' : ':443';
  return lowerHost.endsWith(port) ? lowerHost.slice(0, -port.length) : lowerHost;
}

/** The parts of an exchange of which a variation names some. */
interface AskedVariant extends Pick<Exchange, 'target' | 'answeredBy'>, AskedHeaders {
  readonly request: AskedHeaders['request'] & { get(name: string): string | undefined };
}

interface VariantRule<Asked> extends Pick<CacheRule, 'isOrigin'> {
  readonly findCountry?: (exchange: Asked) => string;
}

/** What tells the variants of a URL apart. */
export function toVariantKey<Asked extends AskedVariant>(
  exchange: Asked,
  variation: Variation,
  rule: VariantRule<Asked>,
): string {
  const { request, target, answeredBy } = exchange;
  const { query, headers, cookies, languages, countries } = variation;
  const at = target.indexOf('?');
  const text = at < 0 ? undefined : target.slice(at + 1);
  // Rules of the site may lead a URL to one of several targets.
  let key = `${answeredBy}\n${query === 'all' ? toWholeQuery(text, rule) : toChosenQuery(text ?? '', query)}`;
  key += toMisleadingPart(exchange) + toSchemePart(exchange);
  const hasTwins = rule.isOrigin && request.hasUnderscoreName;
  for (const name of headers) {
    key += toPart(toNormalValue(name, request.get(name), rule));
    if (hasTwins && name.includes('-')) key += toTwinPart(name, request.headers);
  }
  if (cookies.length > 0) {
    const pairs = toCookies(request.get('cookie') ?? '');
    for (const name of cookies) key += toPart(toValues(pairs, name));
  }
  if (languages.length > 0) key += toPart(String(findLanguageGroup(request.get('accept-language') ?? '', languages)));
  if (countries.length > 0) {
    const country = rule.findCountry?.(exchange).toLowerCase() ?? '';
    key += toPart(String(countries.findIndex((group) => group.includes(country))));
  }
  return key;
}

/** `X-Forwarded-Proto` of a trusted peer, if it says more than the scheme, which the URL has: code may write it into a page as it is. '' for nearly every request. */
function toSchemePart({ client, request }: AskedVariant): string {
  const sent = client?.trusted ? request.get('x-forwarded-proto') : undefined;
  return sent === undefined || /^https?$/i.test(sent) ? '' : `\n~x-forwarded-proto=${sent}`;
}

/** Of headers such as `accept_encoding`, which a next hop of CGI, WSGI or PHP cannot tell from the one with this name. '' without one. */
function toTwinPart(name: string, headers: readonly string[] = []): string {
  let part = '';
  for (let at = 0; at < headers.length; at += 2) {
    const lowerName = headers[at]?.toLowerCase() ?? '';
    if (lowerName !== name && lowerName.replaceAll('_', '-') === name) part += `\n~${lowerName}=${headers[at + 1]}`;
  }
  return part;
}

/** An absent value differs from an empty one. No value of a header has a line break. */
function toPart(value: string | undefined): string {
  return value === undefined ? '\n' : `\n=${value}`;
}

/**
 * The pairs as they are, sorted by name; pairs of one name keep their order, because code may use only the first or the last one. How another server reads a query is
 * not known: `a=1;a=2`, `A=1` or `a.b=1` may each set the parameter of another pair there. So its query stays in its order.
 */
function toWholeQuery(query: string | undefined, { isOrigin }: Pick<CacheRule, 'isOrigin'>): string {
  if (query === undefined) return '';
  if (isOrigin || !query.includes('&')) return `?${query}`;
  const pairs = query.split('&').map((pair) => [toDecodedName(nameOf(pair)), pair] as const);
  pairs.sort(([left], [right]) => (left < right ? -1 : Number(left > right)));
  return `?${pairs.map(([, pair]) => pair).join('&')}`;
}

/** The pairs with these names. Names are decoded, so that `%61=1` counts as `a=1`, which it is for the function; values are not. */
function toChosenQuery(query: string, names: readonly string[]): string {
  const pairs = query.split('&').map((pair) => [toDecodedName(nameOf(pair)), pair] as const);
  return names.map((name) => toPart(toValues(pairs, name))).join('');
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=');
  return equals < 0 ? pair : pair.slice(0, equals);
}

function toDecodedName(name: string): string {
  // The constructor removes a question mark at the beginning of its text.
  return /[%+]/.test(name) ? ([...new URLSearchParams(`&${name}`)][0]?.[0] ?? '') : name;
}

/** All pairs with the name, in their order. Undefined without one. */
function toValues(pairs: readonly (readonly [name: string, pair: string])[], name: string): string | undefined {
  const found = pairs.filter(([each]) => each === name).map(([, pair]) => pair);
  return found.length === 0 ? undefined : found.join('&');
}

function toCookies(header: string): readonly (readonly [name: string, pair: string])[] {
  return header.split(';').map((pair) => {
    const trimmed = pair.trim();
    return [nameOf(trimmed).trim(), trimmed] as const;
  });
}

/**
 * The index of the group that has the client's best language, by `Accept-Language` (RFC 9110 12.5.4): highest weight first, then the order of the header. A
 * group has a language if it lists it or a prefix of it: `de` is the group of `de-AT`. -1 if no group has any of the languages.
 * `groups`: language tags in lower case.
 */
function findLanguageGroup(acceptLanguage: string, groups: readonly (readonly string[])[]): number {
  const languages = acceptLanguage.toLowerCase().split(',').map(toLanguage);
  // The sort is stable.
  languages.sort((left, right) => right.weight - left.weight);
  for (const { tag, weight } of languages) {
    if (weight === 0) continue;
    const index = groups.findIndex((group) => group.some((each) => tag === each || tag.startsWith(`${each}-`)));
    if (index >= 0) return index;
  }
  return -1;
}

/** By tag: the same for each order of the same languages. */
function toLanguages(acceptLanguage: string): readonly Language[] {
  const languages = acceptLanguage.toLowerCase().split(',').map(toLanguage);
  return languages.sort((left, right) => (left.tag < right.tag ? -1 : Number(left.tag > right.tag)));
}

interface Language {
  readonly tag: string;
  readonly weight: number;
}

function toLanguage(text: string): Language {
  const [tag = '', ...parameters] = text.split(';').map((part) => part.trim());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const number = weight === undefined ? 1 : Number(weight.slice(2));
  // An invalid weight counts as 0.
  return { tag, weight: number >= 0 && number <= 1 ? number : 0 };
}

/** From the one that a server prefers to the one that it can always send. */
const CODINGS = ['br', 'zstd', 'gzip'] as const;

/** Values that mean the same get the same text, where the syntax of the field is known (RFC 9111 4.1). */
function toNormalValue(
  name: string,
  value: string | undefined,
  { isOrigin }: Pick<CacheRule, 'isOrigin'>,
): string | undefined {
  if (name === 'accept-encoding') return CODINGS.find((coding) => acceptsCoding(value, coding)) ?? 'identity';
  if (value === undefined) return undefined;
  // The order of languages means nothing to servers that follow RFC 9110 12.5.4; functions often take the first one.
  if (name === 'accept-language' && isOrigin)
    return toLanguages(value)
      .map(({ tag, weight }) => `${tag};${weight}`)
      .join();
  if (name === 'accept-language' || name === 'accept') return value.toLowerCase().replaceAll(/[ \t]+/g, '');
  // Several lines of a list are one value with commas, so space around them means nothing. Quoted text may have any.
  return value.includes('"') ? value : value.replaceAll(/[ \t]*,[ \t]*/g, ',').trim();
}

/** Whether a request with this Accept-Encoding takes a content coding (RFC 9110 12.5.3). `coding`: in lower case. */
export function acceptsCoding(acceptEncoding: string | undefined, coding: string): boolean {
  if (acceptEncoding === undefined) return false;
  let isAnyAccepted = false;
  for (const element of acceptEncoding.toLowerCase().split(',')) {
    const [name = '', ...parameters] = element.split(';').map((part) => part.trim());
    const isRefused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
    if (name === coding || name === `x-${coding}`) return !isRefused;
    if (name === '*') isAnyAccepted = !isRefused;
  }
  return isAnyAccepted;
}
