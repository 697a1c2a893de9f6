/** The `?`, `*` or `+` after a part; '' for none. */
export type Modifier = '' | '?' | '*' | '+';

/** A piece of a pattern: a literal text, or a group that matches a part of the path. */
export type PathPart = TextPart | GroupPart;

export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
  readonly modifier: Modifier;
}

export interface GroupPart {
  readonly kind: 'group';
  /**
   * What the group matches: text up to the next slash, any text, or an expression of the author.
   */
  readonly takes: 'segment' | 'anything' | { readonly expression: string };
  /** The name; for a group without a name its number, from "0". */
  readonly name: string;
  /** Repeated and omitted together with the group. */
  readonly prefix: string;
  readonly suffix: string;
  readonly modifier: Modifier;
  /** Position in the pattern, from 1. */
  readonly at: number;
}

/**
 * Reads a pattern in the syntax of the web's `URLPattern` for a pathname (URL Pattern Standard,
 * "parse a pattern string"). Throws BadPath.
 */
export function toPathParts(pattern: string): readonly PathPart[] {
  return new Parser(toPathTokens(pattern)).parse();
}

class Parser {
  readonly #tokens: readonly PathToken[];
  readonly #parts: PathPart[] = [];
  readonly #names = new Set<string>();
  #at = 0;
  #text = '';
  #nextNumber = 0;

  constructor(tokens: readonly PathToken[]) {
    this.#tokens = tokens;
  }

  parse(): readonly PathPart[] {
    while (this.#at < this.#tokens.length) this.#takePart();
    this.#endText();
    return this.#parts;
  }

  #takePart(): void {
    const slash = this.#take('char');
    const group = this.#takeGroup();
    if (group) {
      // A slash directly before a group is part of it, and is repeated or omitted with it.
      const prefix = slash?.text === '/' ? '/' : '';
      if (slash && prefix === '') this.#text += slash.text;
      this.#add(group, { prefix, suffix: '' });
      return;
    }
    const fixed = slash ?? this.#take('escaped');
    if (fixed) {
      this.#text += fixed.text;
      return;
    }
    const open = this.#take('{');
    if (!open) throw this.#unexpected();
    const prefix = this.#takeText();
    const inner = this.#takeGroup();
    const suffix = this.#takeText();
    if (!this.#take('}')) {
      if (this.#at < this.#tokens.length) throw this.#unexpected();
      throw new BadPath(open.at, 'opens with "{" and is never closed');
    }
    this.#add(inner, { prefix, suffix });
  }

  #takeGroup(): Omit<GroupPart, 'prefix' | 'suffix' | 'modifier'> | undefined {
    const name = this.#take('name');
    const expression = this.#take('expression');
    const star = name || expression ? undefined : this.#take('*');
    const first = name ?? expression ?? star;
    if (!first) return undefined;
    return {
      kind: 'group',
      takes: star || expression?.text === '.*' ? 'anything' : expression ? { expression: expression.text } : 'segment',
      name: name?.text ?? String(this.#nextNumber++),
      at: first.at,
    };
  }

  #add(
    group: Omit<GroupPart, 'prefix' | 'suffix' | 'modifier'> | undefined,
    { prefix, suffix }: { readonly prefix: string; readonly suffix: string },
  ): void {
    const modifier = this.#takeModifier();
    if (!group && modifier === '') {
      this.#text += prefix;
      return;
    }
    this.#endText();
    if (!group) {
      if (prefix !== '') this.#parts.push({ kind: 'text', text: prefix, modifier });
      return;
    }
    if (this.#names.has(group.name)) throw new BadPath(group.at, `has the name "${group.name}" a second time`);
    this.#names.add(group.name);
    this.#parts.push({ ...group, prefix, suffix, modifier });
  }

  #endText(): void {
    if (this.#text !== '') this.#parts.push({ kind: 'text', text: this.#text, modifier: '' });
    this.#text = '';
  }

  #takeText(): string {
    let text = '';
    for (;;) {
      const token = this.#take('char') ?? this.#take('escaped');
      if (!token) return text;
      text += token.text;
    }
  }

  #takeModifier(): Modifier {
    const token = this.#take('?') ?? this.#take('+') ?? this.#take('*');
    return (token?.text ?? '') as Modifier; // the kinds of these tokens are their texts
  }

  #take(kind: PathToken['kind']): PathToken | undefined {
    const token = this.#tokens[this.#at];
    if (token?.kind !== kind) return undefined;
    this.#at += 1;
    return token;
  }

  #unexpected(): BadPath {
    const { at = 0, text = '' } = this.#tokens[this.#at] ?? {};
    return new BadPath(at, `has a "${text}" where none is allowed; write \\${text} for the character itself`);
  }
}

/**
 * Splits a pattern in the syntax of `URLPattern` into tokens (URL Pattern Standard, "tokenize").
 * Throws BadPath.
 */
export function toPathTokens(pattern: string): readonly PathToken[] {
  const tokens: PathToken[] = [];
  for (let at = 0; at < pattern.length; ) {
    const [token, length] = readToken(pattern, at);
    tokens.push(token);
    at += length;
  }
  return tokens;
}

type Read = readonly [token: PathToken, length: number];

function readToken(pattern: string, at: number): Read {
  const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
  const position = at + 1;
  switch (char) {
    case '*':
    case '+':
    case '?':
    case '{':
    case '}':
      return [{ kind: char, text: char, at: position }, 1];
    case '\\':
      return readEscaped(pattern, at);
    case ':':
      return readName(pattern, at);
    case '(':
      return readExpression(pattern, at);
    default:
      return [{ kind: 'char', text: char, at: position }, char.length];
  }
}

function readEscaped(pattern: string, at: number): Read {
  const code = pattern.codePointAt(at + 1);
  if (code === undefined) throw new BadPath(at + 1, 'ends with a "\\" without a character after it');
  const text = String.fromCodePoint(code);
  return [{ kind: 'escaped', text, at: at + 1 }, 1 + text.length];
}

const NAME = /[\p{ID_Start}_$][\p{ID_Continue}$\u200c\u200d]*/uy;

function readName(pattern: string, at: number): Read {
  NAME.lastIndex = at + 1;
  const [text] = NAME.exec(pattern) ?? [];
  if (text === undefined) throw new BadPath(at + 1, 'has a ":" without a name; write \\: for the character itself');
  return [{ kind: 'name', text, at: at + 1 }, 1 + text.length];
}

/** Up to the parenthesis that closes the first one. */
function readExpression(pattern: string, start: number): Read {
  if (pattern[start + 1] === '?') throw new BadPath(start + 2, 'begins an expression with "?"');
  let depth = 1;
  for (let at = start + 1; at < pattern.length; at += 1) {
    const char = pattern[at];
    if (char === '\\') at += 1;
    else if (char === '(') {
      depth += 1;
      // Only groups that capture nothing are allowed: the pattern numbers the captures.
      if (!/^\?(?:[:=!]|<[=!])/.test(pattern.slice(at + 1))) {
        throw new BadPath(at + 1, 'has a group inside an expression; write (?:…) instead of (…)');
      }
    } else if (char === ')') {
      depth -= 1;
      if (depth === 0) return toExpression(pattern.slice(start + 1, at), start);
    }
  }
  throw new BadPath(start + 1, 'opens with "(" and is never closed');
}

function toExpression(text: string, start: number): Read {
  if (text === '') throw new BadPath(start + 1, 'has an empty expression');
  // URLs are ASCII, so other characters in an expression could never match.
  if (/[^ -~]/.test(text)) throw new BadPath(start + 1, `has an expression that is not ASCII: (${text})`);
  try {
    new RegExp(`(?:${text})`, 'u');
  } catch (error) {
    const { message } = error as SyntaxError; // the only thing that RegExp throws for a text
    throw new BadPath(start + 1, `has an invalid expression: ${message.replace(/^.*: /, '')}`);
  }
  return [{ kind: 'expression', text, at: start + 1 }, text.length + 2];
}

/** A piece of a pattern's text. */
export interface PathToken {
  readonly kind: 'char' | 'escaped' | 'name' | 'expression' | '*' | '+' | '?' | '{' | '}';
  /** A name without its colon, an expression without its parentheses. */
  readonly text: string;
  /** Position in the pattern, from 1. */
  readonly at: number;
}

/** An invalid pattern: what is wrong, and at which position. */
export class BadPath extends Error {
  override readonly name = 'BadPath';

  /** `at`: position in the pattern, from 1. `what`: the rest of a sentence about that position. */
  constructor(at: number, what: string) {
    super(`at character ${at} ${what}`);
  }
}
