import type { SourceExports } from './source-exports.ts';
import { type Expression, nameOf, type Program } from './source-syntax.ts';

/**
 * The first argument of `schedule("@daily", …)` of `@netlify/functions`, around a Lambda handler.
 */
export interface WrapperSchedule {
  readonly argument: Expression;
  /**
   * The string, or the value of the variable that it names; undefined if the source does not show
   * it.
   */
  readonly value: string | undefined;
}

/** Finds the `schedule()` around the exported handler; undefined if there is none. */
export function findSchedule(program: Program, exports: SourceExports): WrapperSchedule | undefined {
  const handler = exports.resolve(exports.exported.get('handler'));
  if (handler?.type !== 'CallExpression') return undefined;
  const { callee, arguments: given } = handler;
  const names = new WrapperNames(program);
  const isWrapper =
    callee.type === 'MemberExpression'
      ? names.namespaces.has(nameOf(callee.object) ?? '') && nameOf(callee.property) === 'schedule'
      : names.wrappers.has(nameOf(callee) ?? '');
  const [argument] = given;
  if (!isWrapper || !argument || argument.type === 'SpreadElement' || argument.type === 'ArgumentPlaceholder') {
    return undefined;
  }
  const text = exports.resolve(argument);
  return { argument, value: text?.type === 'StringLiteral' ? text.value : undefined };
}

const PACKAGE = '@netlify/functions';

/** The local names of the package and of its `schedule` in a file. */
class WrapperNames {
  readonly wrappers = new Set<string>();
  readonly namespaces = new Set<string>();

  constructor(program: Program) {
    for (const statement of program.body) {
      if (statement.type === 'ImportDeclaration' && statement.source.value === PACKAGE) {
        for (const specifier of statement.specifiers) {
          if (specifier.type !== 'ImportSpecifier') this.namespaces.add(specifier.local.name);
          else if (nameOf(specifier.imported) === 'schedule') this.wrappers.add(specifier.local.name);
        }
      }
      if (statement.type !== 'VariableDeclaration') continue;
      for (const { id, init } of statement.declarations) {
        if (!init || !isRequired(init)) continue;
        if (id.type === 'Identifier') this.namespaces.add(id.name);
        if (id.type === 'ObjectPattern') this.#readPattern(id.properties);
      }
    }
  }

  #readPattern(properties: readonly object[]): void {
    for (const property of properties) {
      if (!('key' in property) || !('value' in property)) continue;
      // Keys and values of patterns are AST nodes, which all have a type.
      const [key, value] = [property.key, property.value] as { readonly type: string }[];
      const name = value && nameOf(value);
      if (key && nameOf(key) === 'schedule' && name !== undefined) this.wrappers.add(name);
    }
  }
}

function isRequired(expression: Expression): boolean {
  if (expression.type !== 'CallExpression' || nameOf(expression.callee) !== 'require') return false;
  const [name] = expression.arguments;
  return name?.type === 'StringLiteral' && name.value === PACKAGE;
}
