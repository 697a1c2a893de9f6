import type { Problem } from '../../contract/problem.ts';

/**
 * Line and column of the first use of a name in a source text: usually its declaration or export.
 * Empty if the name is not in the text, e.g. after `export * from './other'`.
 */
export function locateName(name: string, text: string): Pick<Problem, 'line' | 'column'> {
  const isPart = /[\w$]/;
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (isPart.test(text.charAt(at - 1)) || isPart.test(text.charAt(at + name.length))) continue;
    const before = text.slice(0, at).split('\n');
    return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
  }
  return {};
}
