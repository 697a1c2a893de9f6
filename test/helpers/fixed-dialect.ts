import type { Dialect, Reading } from '../../src/contract/dialect.ts';

/** A dialect with the same result for every project. */
export function fixedDialect(reading: Partial<Reading>, name = 'test'): Dialect {
  return {
    name,
    looksFor: `${name}-functions/**/*.js`,
    read: async () => ({ routes: [], ignored: [], problems: [], ...reading }),
  };
}
