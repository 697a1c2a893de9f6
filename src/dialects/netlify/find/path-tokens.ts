import { BadPath, type PathToken } from './path-token.ts';

/** The tokens of a pattern in the syntax of `URLPattern` (URL Pattern Standard, "tokenize"). Throws BadPath. */
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
  const place = at + 1;
  switch (char) {
    case '*':
    case '+':
    case '?':
    case '{':
    case '}':
      return [{ kind: char, text: char, at: place }, 1];
    case '\\':
      return readEscaped(pattern, at);
    case ':':
      return readName(pattern, at);
    case '(':
      return readExpression(pattern, at);
    default:
      return [{ kind: 'char', text: char, at: place }, char.length];
  }
}

function readEscaped(pattern: string, at: number): Read {
  const code = pattern.codePointAt(at + 1);
  if (code === undefined) throw new BadPath(at + 1, 'ends with a "\\" behind which nothing stands');
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
      // Only groups that take nothing: what is taken is numbered by the pattern.
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
  // URLs are ASCII: what else an author writes in here could never match.
  if (/[^ -~]/.test(text)) throw new BadPath(start + 1, `has an expression that is not ASCII: (${text})`);
  try {
    new RegExp(`(?:${text})`, 'u');
  } catch (error) {
    const { message } = error as SyntaxError; // the only thing that RegExp throws for a text
    throw new BadPath(start + 1, `has an expression that is none: ${message.replace(/^.*: /, '')}`);
  }
  return [{ kind: 'expression', text, at: start + 1 }, text.length + 2];
}
