/** A member of an object that a text reads. */
export interface MemberRead {
  readonly name: string;
  /** Position in the text. */
  readonly index: number;
  /** The variable that gets the member by destructuring. */
  readonly variable?: string;
  /** What is destructured of the member itself. */
  readonly inner?: readonly MemberRead[];
}

/** How code names the argument of a handler: the source of a regular expression. */
export const CONTEXT = '(?:context|ctx|c)';

/** The text with blanks in the place of its comments: a line comment, unless its slashes are those of a URL, and lines of a block comment. */
export function withoutComments(text: string): string {
  return text.replaceAll(/(?<!:)\/\/.*$|^\s*\/?\*.*$/gm, (comment) => comment.replaceAll(/[^\n]/g, ' '));
}

/**
 * The members of an object that a text reads: `object.name`, `object?.name`, `const { name } = object`. `object`: the source of a
 * regular expression. Runs no code, so a variable of the same name in another function counts, too.
 */
export function findReads(text: string, object: string): readonly MemberRead[] {
  const members = text.matchAll(new RegExp(`(?<![\\w$.])${object}(?:\\?\\.|\\.)(\\w+)`, 'g'));
  const patterns = text.matchAll(
    new RegExp(`${PATTERN}(?:\\s*:[^=;]*)?\\s*=\\s*${object}(?![\\w$]|\\s*(?:\\?\\.|[.([]))`, 'g'),
  );
  return [
    ...[...members].map(({ 0: whole, 1: name = '', index }) => ({ name, index: index + whole.length - name.length })),
    ...[...patterns].flatMap(({ 1: inside = '', index }) => toReads(inside, index + 1)),
  ];
}

/** What handlers destructure of their argument: `onRequest({ name })`. */
export function findParameters(text: string): readonly MemberRead[] {
  return [...text.matchAll(HANDLER)].flatMap(({ 0: whole, 1: inside = '', index }) =>
    toReads(inside, index + whole.length - inside.length - 1),
  );
}

/** The variables that get a member of an object: `const { name: variable } = object`, `const variable = object.name`. */
export function findVariables(
  text: string,
  object: string,
  reads: readonly MemberRead[],
  name: string,
): readonly string[] {
  const assigned = text.matchAll(
    new RegExp(
      `\\b(?:const|let|var)\\s+(\\w+)(?:\\s*:[^=;]*)?\\s*=\\s*${object}(?:\\?\\.|\\.)${name}(?![\\w$]|\\s*(?:\\?\\.|[.([]))`,
      'g',
    ),
  );
  const destructured = reads.flatMap((read) => (read.name === name && read.variable ? [read.variable] : []));
  return [...new Set([...destructured, ...[...assigned].map(([, variable = '']) => variable)])];
}

/** The inside of a destructuring pattern, with at most one more below it. */
const PATTERN = '\\{((?:[^{}]|\\{[^{}]*\\})*)\\}';

const HANDLER = new RegExp(
  `\\bonRequest\\w*\\s*(?::[^=()]*)?(?:=\\s*)?(?:async\\s*)?(?:function\\s*\\w*\\s*)?\\(\\s*${PATTERN}`,
  'g',
);

/** `name`, `name = default`, `name: variable`, `name: { … }`. */
const ENTRY = /(?<![\w$.])(\w+)\s*(?::\s*(?:(\w+)|\{([^{}]*)\}))?[^,{}]*(?:,|$)/g;

function toReads(inside: string, start: number): readonly MemberRead[] {
  return [...inside.matchAll(ENTRY)].map(({ 0: whole, 1: name = '', 2: variable, 3: below, index }): MemberRead => {
    const at = start + index;
    if (below === undefined) return { name, index: at, variable: variable ?? name };
    return { name, index: at, inner: toReads(below, at + whole.indexOf('{') + 1) };
  });
}
