import { extname } from 'node:path';
import type { ParserOptions, ParserPlugin, parse } from '@babel/parser';

export type Program = ReturnType<typeof parse>['program'];
export type Statement = Program['body'][number];
export type Expression = Extract<Statement, { type: 'ExpressionStatement' }>['expression'];
export type ObjectLiteral = Extract<Expression, { type: 'ObjectExpression' }>;

/** The text is no JavaScript or TypeScript: what was met, and where. */
export class SyntaxComplaint extends Error {
  /** Both from 1. */
  readonly place: { readonly line: number; readonly column: number };

  constructor(message: string, place: SyntaxComplaint['place'], cause: unknown) {
    super(message, { cause });
    this.place = place;
  }
}

const PLUGINS: readonly ParserPlugin[] = ['typescript', 'decorators-legacy', 'decoratorAutoAccessors'];

/** Elsewhere `<T>x` is a cast. */
const WITH_JSX: ReadonlySet<string> = new Set(['.js', '.tsx']);

/** Parses the text of a file; its name decides whether it may hold JSX. The parser is loaded only now. Throws a SyntaxComplaint. */
export async function parseSource(text: string, file: string): Promise<Program> {
  const parser = await import('@babel/parser');
  const options: ParserOptions = {
    // CommonJS need not be strict.
    sourceType: 'unambiguous',
    allowReturnOutsideFunction: true,
    plugins: [...PLUGINS, ...(WITH_JSX.has(extname(file)) ? (['jsx'] as const) : [])],
  };
  try {
    return parser.parse(text, options).program;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The parser sets the place on all its errors.
    const { line, column } = (error as SyntaxError & { loc: { line: number; column: number } }).loc;
    throw new SyntaxComplaint(error.message.replace(/ \(\d+:\d+\)$/, ''), { line, column: column + 1 }, error);
  }
}

/** Where a part of a text starts, both from 1. */
export function locationOf(node: { readonly loc?: Expression['loc'] }): {
  readonly line?: number;
  readonly column?: number;
} {
  return node.loc ? { line: node.loc.start.line, column: node.loc.start.column + 1 } : {};
}

/** The expression without what only types need, and without brackets. */
export function withoutTypes(expression: Expression): Expression {
  switch (expression.type) {
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSTypeAssertion':
    case 'TSNonNullExpression':
      return withoutTypes(expression.expression);
    default:
      return expression;
  }
}

/** The name of a property or an export, written plainly or in quotes; undefined for one that is computed. */
export function nameOf(key: { readonly type: string }): string | undefined {
  if (key.type === 'Identifier' && 'name' in key) return String(key.name);
  return key.type === 'StringLiteral' && 'value' in key ? String(key.value) : undefined;
}
