import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

/** A position in a text; both count from 1. */
export interface Location {
  readonly line: number;
  readonly column: number;
}

/** The value of a JSON text, and the positions of its parts. */
export interface LocatedJson {
  readonly value: unknown;
  /**
   * The position of the value at a path such as `headers[2].source`; if it is absent, of its
   * nearest parent.
   */
  locationOf(path: string): Location;
}

/** The text is not valid JSON. The message says what was expected and what was found. */
export class JsonError extends Error {
  readonly location: Location;

  constructor(message: string, location: Location) {
    super(message);
    this.location = location;
  }
}

/**
 * Parses strict JSON (RFC 8259) and keeps the position of each value. JSON.parse keeps no
 * positions, and its errors do not always have one. Throws a JsonError.
 */
export function parseLocated(text: string): LocatedJson {
  const errors: ParseError[] = [];
  const root = parseNested(text, errors);
  const [first, second] = errors;
  if (first) throw toJsonError(text, first, second);
  if (!root) throw new JsonError('expected a value, got the end of the file', toLocation(text, 0));
  return {
    value: toValue(root),
    locationOf: (path) => toLocation(text, nearestNode(root, path).offset),
  };
}

function parseNested(text: string, errors: ParseError[]): Node | undefined {
  try {
    return parseTree(text, errors, { disallowComments: true });
  } catch (error) {
    // The parser is recursive: thousands of open brackets exhaust the stack.
    if (error instanceof RangeError) throw new JsonError('nested too deeply', { line: 1, column: 1 });
    throw error;
  }
}

/**
 * Replaces jsonc-parser's getNodeValue, which assigns members and so sets the prototype for a key
 * `__proto__`.
 */
function toValue({ type, children = [], value }: Node): unknown {
  if (type === 'array') return children.map(toValue);
  if (type !== 'object') return value;
  return Object.fromEntries(
    children.map(({ children: [key, member] = [] }) => [String(key?.value), member && toValue(member)]),
  );
}

function nearestNode(root: Node, path: string): Node {
  const steps = [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([name, index]) => (index ? Number(index) : name));
  for (; steps.length > 0; steps.pop()) {
    const node = findNodeAtLocation(root, steps);
    if (node) return node;
  }
  return root;
}

/**
 * What was expected, by jsonc-parser's error name. All other errors mean that a value is missing.
 */
const EXPECTED: ReadonlyMap<string, string> = new Map([
  ['PropertyNameExpected', 'a key in double quotes'],
  ['CommaExpected', '","'],
  ['ColonExpected', '":"'],
  ['CloseBraceExpected', '"}"'],
  ['CloseBracketExpected', '"]"'],
  ['EndOfFileExpected', 'the end of the file'],
]);

/** After an invalid symbol, the second error says whether a key or a value was expected there. */
function toJsonError(text: string, first: ParseError, second?: ParseError): JsonError {
  const code = printParseErrorCode(first.error);
  const expected = EXPECTED.get(code === 'InvalidSymbol' && second ? printParseErrorCode(second.error) : code);
  const found = text.slice(first.offset, first.offset + Math.min(first.length, 40)) || 'the end of the file';
  return new JsonError(`expected ${expected ?? 'a value'}, got ${found}`, toLocation(text, first.offset));
}

function toLocation(text: string, offset: number): Location {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
