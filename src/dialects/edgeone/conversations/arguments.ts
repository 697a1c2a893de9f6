import { MemoryError } from './memory-error.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** The platform's limits. */
const MAX_ID_CHARACTERS = 256;
const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

export const ROLES: readonly unknown[] = ['user', 'assistant', 'system', 'tool'];

export function invalid(message: string): MemoryError {
  return new MemoryError('MemoryValidationError', message);
}

/** The argument of a method, which must be an object. */
export function toFields(given: unknown): Fields {
  if (typeof given === 'object' && given !== null) return given as Fields;
  throw invalid(`the argument must be an object, got ${JSON.stringify(given) ?? 'nothing'}`);
}

export function toId(name: string, given: unknown): string {
  if (typeof given === 'string' && given !== '' && given.length <= MAX_ID_CHARACTERS && given.isWellFormed())
    return given;
  throw invalid(
    `${name} must be a text of 1 to ${MAX_ID_CHARACTERS} characters, got ${JSON.stringify(given) ?? 'nothing'}`,
  );
}

export function toOptionalId(name: string, given: unknown): string | undefined {
  return given === undefined || given === null ? undefined : toId(name, given);
}

/** Metadata, or undefined for none. */
export function toMetadata(given: unknown): Fields | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'object' && !Array.isArray(given)) return given as Fields;
  throw invalid(`metadata must be an object, got ${JSON.stringify(given)}`);
}

/** A part of a list. `after` and `before` are ids and exclusive. */
export interface Page {
  readonly limit: number;
  readonly isDescending: boolean;
  readonly after: string | undefined;
  readonly before: string | undefined;
}

export function toPage({ limit = DEFAULT_PAGE, order, after, before }: Fields, defaultOrder: 'asc' | 'desc'): Page {
  if (!(Number.isInteger(limit) && Number(limit) >= 1 && Number(limit) <= MAX_PAGE)) {
    throw invalid(`limit must be a whole number from 1 to ${MAX_PAGE}, got ${JSON.stringify(limit)}`);
  }
  const direction = order ?? defaultOrder;
  if (direction !== 'asc' && direction !== 'desc')
    throw invalid(`order must be "asc" or "desc", got ${JSON.stringify(order)}`);
  if (after && before) throw invalid('after and before cannot be used together');
  return {
    limit: Number(limit),
    isDescending: direction === 'desc',
    after: toOptionalId('after', after || undefined),
    before: toOptionalId('before', before || undefined),
  };
}

/** The part of an ordered list. `toId`: of an entry. An unknown id is ignored. */
export function cutPage<T>(
  ascending: readonly T[],
  { limit, isDescending, after, before }: Page,
  idOf: (entry: T) => string,
): readonly T[] {
  const from = after === undefined ? 0 : ascending.findIndex((entry) => idOf(entry) === after) + 1;
  const found = before === undefined ? -1 : ascending.findIndex((entry) => idOf(entry) === before);
  const part = ascending.slice(from, found < 0 ? undefined : found);
  if (!isDescending) return part.slice(0, limit);
  return part.slice(-limit).reverse();
}
