/** The location of a configuration value, as problems report it. */
export interface ValueLocation {
  /** Relative to the site. */
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
}

/** A configured value of a function, not yet validated. */
export interface ConfigValue extends ValueLocation {
  readonly value: unknown;
}

/** The settings of a function, by their names in its source. */
export type ConfigValues = ReadonlyMap<string, ConfigValue>;

/** Merges settings. A later map overrides an earlier one; two lists of one setting are joined. */
export function mergeValues(...all: readonly ConfigValues[]): ConfigValues {
  const merged = new Map<string, ConfigValue>();
  for (const [key, found] of all.flatMap((values) => [...values])) {
    const before = merged.get(key)?.value;
    const isList = Array.isArray(before) && Array.isArray(found.value);
    merged.set(key, isList ? { ...found, value: [...before, ...(found.value as unknown[])] } : found); // checked above
  }
  return merged;
}

/** Whether a configured value is a table (an object with keys). */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
