/** Where a value of a configuration stands, as problems tell it. */
export interface ValueLocation {
  /** Relative to the site. */
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
}

/** A value that somebody wrote for a function, not yet looked at. */
export interface ConfigValue extends ValueLocation {
  readonly value: unknown;
}

/** What is set for a function, by the name that the key has in its source. */
export type ConfigValues = ReadonlyMap<string, ConfigValue>;

/** Those of the later ones win; lists are joined. */
export function mergeValues(...all: readonly ConfigValues[]): ConfigValues {
  const merged = new Map<string, ConfigValue>();
  for (const [key, found] of all.flatMap((values) => [...values])) {
    const before = merged.get(key)?.value;
    const isList = Array.isArray(before) && Array.isArray(found.value);
    merged.set(key, isList ? { ...found, value: [...before, ...(found.value as unknown[])] } : found); // looked at above
  }
  return merged;
}

/** Whether a value of a configuration has keys. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
