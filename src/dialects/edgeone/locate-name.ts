import type { Problem } from '../../contract/problem.ts';

/** Where a name first stands in the text of a file, which is where it is declared or exported; nowhere for one that comes from another file. */
export function locateName(name: string, text: string): Pick<Problem, 'line' | 'column'> {
  const isPart = /[\w$]/;
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (isPart.test(text.charAt(at - 1)) || isPart.test(text.charAt(at + name.length))) continue;
    const before = text.slice(0, at).split('\n');
    return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
  }
  return {};
}
