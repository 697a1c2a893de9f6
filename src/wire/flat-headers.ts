import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';

/** Headers as `writeHead` accepts them: an object by name, a flat array, or pairs. */
export type GivenHeaders = OutgoingHttpHeaders | readonly (OutgoingHttpHeader | readonly OutgoingHttpHeader[])[];

/** The arguments of `writeHead`. */
export type HeadArguments = [status: number, reason?: string | GivenHeaders, headers?: GivenHeaders];

/** The values of one header, by its name as it is spelled first. */
export type HeaderGroup = [name: string, values: string[]];

/** The headers among the arguments of `writeHead`, as Node finds them. */
export function headersOf([, reason, headers]: HeadArguments): GivenHeaders | undefined {
  return typeof reason === 'string' ? headers : (headers ?? reason);
}

/** Converts every form that writeHead accepts to a flat array: name, value, name, value. */
export function toFlat(headers: GivenHeaders): string[] {
  const flat: string[] = [];
  for (const [name, value] of Array.isArray(headers) ? toPairs(headers) : Object.entries(headers)) {
    if (value === undefined) continue;
    for (const each of [value].flat()) flat.push(String(name), String(each));
  }
  return flat;
}

/** Groups a flat array by name, whatever its case. */
export function groupByName(flat: readonly string[]): HeaderGroup[] {
  const groups = new Map<string, HeaderGroup>();
  for (let at = 0; at < flat.length; at += 2) {
    const [name, value] = [flat[at] as string, flat[at + 1] as string]; // pairs
    const group = groups.get(name.toLowerCase());
    if (group) group[1].push(value);
    else groups.set(name.toLowerCase(), [name, [value]]);
  }
  return [...groups.values()];
}

/** The values for `setHeader`. */
export function toSettable(values: readonly string[]): string | readonly string[] {
  return values.length === 1 ? (values[0] ?? '') : values;
}

/** The values of one header of a flat array, by its name in lower case; undefined without it. */
export function listValues(flat: readonly string[], name: string): string[] | undefined {
  const values = flat.filter((_, at) => at % 2 === 1 && flat[at - 1]?.toLowerCase() === name);
  return values.length > 0 ? values : undefined;
}

/** A flat array without one header, by its name in lower case. */
export function withoutHeader(flat: readonly string[], name: string): string[] {
  return flat.filter((_, at) => flat[at - (at % 2)]?.toLowerCase() !== name);
}

function toPairs(given: readonly unknown[]): [string, OutgoingHttpHeader | undefined][] {
  if (Array.isArray(given[0])) return given as [string, OutgoingHttpHeader][]; // as Node takes them
  const pairs: [string, OutgoingHttpHeader][] = [];
  for (let at = 0; at < given.length; at += 2)
    pairs.push([String(given[at]), (given[at + 1] ?? '') as OutgoingHttpHeader]);
  return pairs;
}
