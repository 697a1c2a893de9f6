/** A call of a program that a page shows. */
export interface DocumentedCall {
  /** The page and the line, e.g. `docs/logs.md:21`. */
  readonly place: string;
  /** 'block': of a block of commands. 'shown': with its output. 'inline': named in a sentence. */
  readonly kind: 'block' | 'shown' | 'inline';
  /** The variables in front of the program. */
  readonly variables: Readonly<Record<string, string>>;
  /** The program and its arguments, without quotes. */
  readonly words: readonly string[];
}

/** Where a call ends in a line, or what follows is a file. */
const OPERATORS: ReadonlySet<string> = new Set(['&&', '|', '(', ')', '>', ';']);
const TOKEN = /#.*|&&|[()|>;]|(?:"[^"]*"|'[^']*'|\\.|[^\s"'()|>;&#\\]|(?<=\S)#)+/g;

/** Finds the calls in the blocks of commands of a page, and in its text. */
export function findCalls(page: string, text: string): readonly DocumentedCall[] {
  const found: DocumentedCall[] = [];
  let language: string | undefined;
  let heredoc: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const place = `${page}:${index + 1}`;
    const [, fence] = /^\s*```(\w*)/.exec(line) ?? [];
    if (fence !== undefined) {
      language = language === undefined ? fence : undefined;
      continue;
    }
    if (heredoc !== undefined) {
      if (line === heredoc) heredoc = undefined;
      continue;
    }
    const [, shown] = /^\$ (.*)/.exec(line) ?? [];
    if (language === undefined) found.push(...inText(place, line));
    else if (shown !== undefined) found.push(...toCalls(shown, { place, kind: 'shown' }));
    else if (language === 'sh') {
      [, heredoc] = /<<'(\w+)'/.exec(line) ?? [];
      if (heredoc === undefined) found.push(...toCalls(line, { place, kind: 'block' }));
    }
  }
  return found;
}

/** Calls in backquotes. Brackets and dots around optional words are left out. */
function inText(place: string, line: string): readonly DocumentedCall[] {
  return [...line.matchAll(/(?<!`)`((?:npx nexthop|nexthop|npm|curl) [^`]+)`/g)].flatMap(([, code = '']) =>
    toCalls(code.replace(/[[\]…]/g, ''), { place, kind: 'inline' }),
  );
}

function toCalls(line: string, about: Pick<DocumentedCall, 'place' | 'kind'>): readonly DocumentedCall[] {
  const calls: string[][] = [[]];
  let isFile = false;
  for (const [token] of line.matchAll(TOKEN)) {
    if (token.startsWith('#')) break;
    if (OPERATORS.has(token)) {
      isFile = token === '>';
      if (!isFile) calls.push([]);
    } else if (isFile) isFile = false;
    else calls.at(-1)?.push(token.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
  }
  return calls.filter((words) => words.length > 0).map((words) => ({ ...about, ...toCall(words) }));
}

function toCall(words: readonly string[]): Pick<DocumentedCall, 'variables' | 'words'> {
  const from = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
  const pairs = words
    .slice(0, from)
    .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
  return { variables: Object.fromEntries(pairs), words: words.slice(from) };
}
