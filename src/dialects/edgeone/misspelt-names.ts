import { didYouMean, type Problem } from '../../contract/problem.ts';
import { locateName } from './locate-name.ts';

export interface SourceFile {
  /** Relative to the site. */
  readonly file: string;
  readonly text: string;
}

/** A warning for each name that is similar to a known one, with the place of its first use. */
export function misspeltIn(
  names: Iterable<string>,
  known: readonly string[],
  { file, text }: SourceFile,
): readonly Problem[] {
  return [...names].flatMap((name): Problem[] => {
    const nearest = known.includes(name) ? '' : didYouMean(name, known);
    if (nearest === '') return [];
    return [{ severity: 'warning', file, ...locateName(name, text), message: `${name} is not used${nearest}` }];
  });
}
