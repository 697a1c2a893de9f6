import { membersOf } from './source-exports.ts';
import type { Expression } from './source-syntax.ts';

/** Told of every part that is not written out, with what it is instead, e.g. `a variable`. */
export type NoteUnread = (part: Expression, what: string) => void;

/**
 * The value of an expression that is written out: texts, numbers, true and false (also as `!0` and `!1`), null, lists and objects of them. In the place
 * of every other part stands undefined: the platform, which reads as much, ignores those without a word.
 */
export function toLiteral(expression: Expression, note: NoteUnread): unknown {
  switch (expression.type) {
    case 'StringLiteral':
    case 'NumericLiteral':
    case 'BooleanLiteral':
      return expression.value;
    case 'NullLiteral':
      return null;
    case 'UnaryExpression': {
      const { operator, argument } = expression;
      if (operator === '!' && argument.type === 'NumericLiteral') return !argument.value;
      break;
    }
    case 'ArrayExpression':
      return expression.elements.map((element) => {
        // A hole has no value; a spread is no expression of its own.
        if (element === null) return undefined;
        if (element.type !== 'SpreadElement') return toLiteral(element, note);
        return void note(element.argument, 'a spread');
      });
    case 'ObjectExpression': {
      for (const property of expression.properties) {
        if (property.type === 'SpreadElement') note(property.argument, 'a spread');
      }
      const members = membersOf(expression).flatMap(([name, value]) => (value ? [[name, toLiteral(value, note)]] : []));
      return Object.fromEntries(members);
    }
    case 'Identifier':
      if (expression.name === 'undefined') return undefined;
      break;
  }
  note(expression, describe(expression));
  return undefined;
}

/** What an expression is, in words. */
export function describe({ type }: Expression): string {
  return KINDS[type] ?? 'an expression';
}

const KINDS: Readonly<Partial<Record<Expression['type'], string>>> = {
  Identifier: 'a variable',
  MemberExpression: 'a variable',
  TemplateLiteral: 'a template literal',
  CallExpression: 'a call',
  TSAsExpression: 'an object with `as`',
  TSSatisfiesExpression: 'an object with `satisfies`',
};
