import { membersOf } from './source-exports.ts';
import type { Expression } from './source-syntax.ts';

/** Called for every part that is no literal, with what it is instead, e.g. `a variable`. */
export type NoteUnread = (part: Expression, what: string) => void;

/**
 * The value of a literal expression: strings, numbers, true and false (also as `!0` and `!1`),
 * null, and lists and objects of them. Every other part becomes undefined: the platform reads the
 * same types and ignores other parts silently.
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
        // A hole has no value; a spread is no expression.
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

/** The kind of an expression, for messages. */
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
