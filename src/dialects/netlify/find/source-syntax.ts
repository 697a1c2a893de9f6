import { extname } from 'node:path';
import type { ParserOptions, ParserPlugin, parse } from '@babel/parser';

export type Program = ReturnType<typeof parse>['program'];
export type Statement = Program['body'][number];
export type Expression = Extract<Statement, { type: 'ExpressionStatement' }>['expression'];
export type ObjectLiteral = Extract<Expression, { type: 'ObjectExpression' }>;

/** The source is no valid JavaScript or TypeScript: what was found, and where. */
export class SourceSyntaxError extends Error {
  /** Line and column, both from 1. */
  readonly location: { readonly line: number; readonly column: number };

  constructor(message: string, location: SourceSyntaxError['location'], cause: unknown) {
    super(message, { cause });
    this.location = location;
  }
}

const PLUGINS: readonly ParserPlugin[] = ['typescript', 'decorators-legacy', 'decoratorAutoAccessors'];

/** Extensions whose files may hold JSX. In other files `<T>x` is a cast. */
const WITH_JSX: ReadonlySet<string> = new Set(['.js', '.tsx']);

/**
 * Parses a source text. The name of the file decides whether it may hold JSX. Imports the parser on
 * first use. Throws a SourceSyntaxError.
 */
export async function parseSource(text: string, file: string): Promise<Program> {
  const parser = await import('@babel/parser');
  const options: ParserOptions = {
    // Detects CommonJS, which may be non-strict.
    sourceType: 'unambiguous',
    allowReturnOutsideFunction: true,
    plugins: [...PLUGINS, ...(WITH_JSX.has(extname(file)) ? (['jsx'] as const) : [])],
  };
  try {
    return parser.parse(text, options).program;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The parser sets `loc` on all its errors.
    const { line, column } = (error as SyntaxError & { loc: { line: number; column: number } }).loc;
    throw new SourceSyntaxError(error.message.replace(/ \(\d+:\d+\)$/, ''), { line, column: column + 1 }, error);
  }
}

/** The start of an AST node: line and column, both from 1. */
export function locationOf(node: { readonly loc?: Expression['loc'] }): {
  readonly line?: number;
  readonly column?: number;
} {
  return node.loc ? { line: node.loc.start.line, column: node.loc.start.column + 1 } : {};
}

/** The expression without type syntax around it. */
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

/** The name of a property or an export, plain or in quotes; undefined for a computed one. */
export function nameOf(key: { readonly type: string }): string | undefined {
  if (key.type === 'Identifier' && 'name' in key) return String(key.name);
  return key.type === 'StringLiteral' && 'value' in key ? String(key.value) : undefined;
}
