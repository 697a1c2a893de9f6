import type { ConfigValue, ConfigValues } from '../config/config-values.ts';
import { membersOf } from './source-exports.ts';
import { toLiteral } from './source-literal.ts';
import { locationOf, parseSource } from './source-syntax.ts';

/**
 * Reads the `config` of a function from a text that cannot be parsed, so that its paths answer 500 until it can: the object alone, or, if the mistake is in
 * it, its `path`. Empty if there is no `config`. 'lost': there is one with a path that cannot be read.
 */
export async function salvageConfig(text: string, file: string): Promise<ConfigValues | 'lost'> {
  const start = START.exec(text);
  if (start) {
    const at = start.index + start[0].length;
    const values = (await readObject(text, at, file)) ?? readPath(text, at, file);
    if (values) return values;
  }
  return /\bconfig\b/.test(text) && /\bpath\b/.test(text) ? 'lost' : new Map();
}

/** The start of the object that is exported as `config`, or is one in the default export. */
const START =
  /^(?:[ \t]*export\s+(?:const|let|var)\s+config\b[^={]*=|.*\bconfig\s*:|.*\bexports\.config\s*=)\s*(?=\{)/m;

/** The literal members of the object at a position; undefined if it cannot be parsed. */
async function readObject(text: string, at: number, file: string): Promise<ConfigValues | undefined> {
  const end = findEnd(text, at);
  if (end === undefined) return undefined;
  try {
    // Blank, so that lines and columns are those of the file.
    const before = text.slice(0, at).replaceAll(/[^\n]/g, ' ');
    const { body } = await parseSource(`${before.slice(0, -1)}(${text.slice(at, end)})`, file);
    const [statement] = body;
    if (statement?.type !== 'ExpressionStatement' || statement.expression.type !== 'ObjectExpression') return undefined;
    const values = membersOf(statement.expression).flatMap(([key, value]): [string, ConfigValue][] => {
      const read = value && toLiteral(value, () => {});
      return read === undefined ? [] : [[key, { value: read, file, ...locationOf(value ?? statement) }]];
    });
    return new Map(values);
  } catch {
    // The mistake is in the object, or the end of it was not found.
    return undefined;
  }
}

/** The position after the brace that closes the one at `at`. */
function findEnd(text: string, at: number): number | undefined {
  let depth = 0;
  // Strings and comments first: a brace in them counts for nothing.
  for (const { 0: token, index } of text.slice(at).matchAll(TOKENS)) {
    if (token === '{') depth++;
    else if (token === '}' && --depth === 0) return at + index + 1;
  }
  return undefined;
}

const TOKENS = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|\/\/.*|\/\*[\s\S]*?\*\/|[{}]/g;

/** The `path` that follows, a text or a list of them. */
function readPath(text: string, at: number, file: string): ConfigValues | undefined {
  const [, list = ''] = PATH.exec(text.slice(at, at + MOST_LENGTH)) ?? [];
  const paths = [...list.matchAll(/(["'`])(\/[^"'`\n$]*)\1/g)].map(([, , path = '']) => path);
  return paths.length > 0 ? new Map([['path', { value: paths, file }]]) : undefined;
}

const PATH = /\bpath\s*:\s*(\[[^\]]*\]|"[^"\n]*"|'[^'\n]*'|`[^`\n]*`)/;
/** A `path` that is farther away is most likely that of something else. */
const MOST_LENGTH = 1000;
