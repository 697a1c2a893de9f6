/** A part of a file; both ends are included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

const UNIT = /^bytes\s*=/i;
const ELEMENT = /^(\d*)\s*-\s*(\d*)$/;

/**
 * The part that a Range header requests. Undefined if the whole file must be sent: the header is
 * malformed, has another unit, or requests several parts, to which a server may respond with the
 * whole file (RFC 9110 14.2). 'unsatisfiable' if no part of it lies in the file.
 */
export function toRange(field: string, size: number): Range | 'unsatisfiable' | undefined {
  const unit = UNIT.exec(field)?.[0];
  if (unit === undefined) return undefined;
  // Empty elements of a list are ignored (RFC 9110 5.6.1).
  const elements = field
    .slice(unit.length)
    .split(',')
    .map((element) => element.trim())
    .filter(Boolean);
  const ranges = elements.map((element) => toPart(element, size));
  if (ranges.length === 0 || ranges.includes(undefined)) return undefined;
  const [range, ...more] = ranges.filter((each) => each !== undefined && each.first <= each.last);
  if (range === undefined) return 'unsatisfiable';
  return more.length === 0 ? range : undefined;
}

/** Undefined if it is malformed; empty (first > last) if it is outside the file. */
function toPart(element: string, size: number): Range | undefined {
  const [, first, last] = ELEMENT.exec(element) ?? [];
  if (first === undefined || last === undefined) return undefined;
  return first === '' ? suffix(last, size) : between(first, last, size);
}

/** Numbers beyond the end of the file count as its end. */
function between(first: string, last: string, size: number): Range | undefined {
  const from = Number(first);
  const to = last === '' ? size - 1 : Number(last);
  if (last !== '' && to < from) return undefined;
  return from >= size ? NOWHERE : { first: from, last: Math.min(to, size - 1) };
}

function suffix(length: string, size: number): Range | undefined {
  if (length === '') return undefined;
  return { first: Math.max(0, size - Number(length)), last: size - 1 };
}

const NOWHERE: Range = { first: 0, last: -1 };
