/** A piece of a pattern's text. */
export interface PathToken {
  readonly kind: 'char' | 'escaped' | 'name' | 'expression' | '*' | '+' | '?' | '{' | '}';
  /** A name without its colon, an expression without its parentheses. */
  readonly text: string;
  /** Place in the pattern, from 1. */
  readonly at: number;
}

/** Says what is wrong with a pattern, and where. */
export class BadPath extends Error {
  override readonly name = 'BadPath';

  /** `at`: place in the pattern, from 1. `what`: goes on a sentence about that place. */
  constructor(at: number, what: string) {
    super(`at character ${at} ${what}`);
  }
}
