import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';

/** Headers as `writeHead` accepts them: an object by name, or a flat array. */
export type GivenHeaders = OutgoingHttpHeaders | readonly OutgoingHttpHeader[];

/** The arguments of `writeHead`. */
export type HeadArguments = [status: number, reason?: string | GivenHeaders, headers?: GivenHeaders];

/** Converts every form that writeHead accepts to a flat array: name, value, name, value. */
export function toFlat(headers: GivenHeaders): string[] {
  const entries = Array.isArray(headers) ? toPairs(headers) : Object.entries(headers);
  return entries.flatMap(([name, value]) => {
    const values = Array.isArray(value) ? value : value === undefined ? [] : [value];
    return values.flatMap((each) => [name, String(each)]);
  });
}

function toPairs(flat: readonly OutgoingHttpHeader[]): [string, OutgoingHttpHeader][] {
  const pairs: [string, OutgoingHttpHeader][] = [];
  for (let at = 0; at < flat.length; at += 2) pairs.push([String(flat[at]), flat[at + 1] ?? '']);
  return pairs;
}
