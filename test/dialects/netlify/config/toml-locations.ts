import test from 'ava';
import { parse } from 'smol-toml';
import { TomlLocations, type TomlPath } from '../../../../src/dialects/netlify/config/toml-locations.ts';

/** The line of each path in a TOML text. */
function linesOf(text: string, ...paths: TomlPath[]): (number | undefined)[] {
  parse(text);
  const locations = new TomlLocations(text);
  return paths.map((path) => locations.lineOf(path));
}

const TRAPS: readonly (readonly [title: string, text: string, path: TomlPath, line: number])[] = [
  ['quotes in a comment', '# a """ in a comment\na = 1\n# \'\'\'\nb = 1', ['b'], 4],
  ['quotes in a comment after a value', 'a = 1 # """\nb = 1', ['b'], 2],
  ['a number sign in a text', 'a = "# \\"\\"\\" x"\nb = 1', ['b'], 2],
  ['a text of several lines', 'a = """\nb = 0\n[x]\n\\""" "" # """\nb = 1', ['b'], 5],
  ['a text whose last two characters are quotes', 'a = """x"""""\nb = 1', ['b'], 2],
  ['a literal text of several lines', "a = '''\nb = 0\\''' # '''\nb = 1", ['b'], 3],
  ['a text that opens and closes on one line', 'a = """x"""\nb = 1', ['b'], 2],
  ['an array over several lines', 'a = [ # ]\n  "b = 0", # "\n  [ 1, 2 ],\n]\nb = 1', ['b'], 5],
  ['an element of an array', 'a = [\n  1,\n  # no\n  { b = 1 },\n]', ['a', 1, 'b'], 4],
  ['an inline table', 'a = { b = "}", "c d" = { e = 1 } }', ['a', 'c d', 'e'], 1],
  ['a key that a dotted key goes through', 'x = 1\na.b.c = 1', ['a', 'b'], 2],
  ['a table that only a longer header names', 'x = 1\n[a.b]', ['a'], 2],
  ['a table whose own header comes after the longer one', '[a.b]\nx = 1\n[a]', ['a'], 3],
  ['a quoted key', '"a.b" . \'c=d\' = 1 # x\n"\\u0065\\"f" = 1', ['e"f'], 2],
  ['a header with blanks', ' [ a . "b]c" ] # x\nd = 1', ['a', 'b]c', 'd'], 2],
  [
    'a table of an array of tables',
    '[[a]]\nb = 1\n[[a]]\n[a.c]\nd = 1\n[[a.e]]\n[[a.e]]\nf = 1',
    ['a', 1, 'e', 1, 'f'],
    8,
  ],
  ['lines that end in CR LF', 'a = 1\r\n[b]\r\nc = """\r\nd"""\r\ne = 1', ['b', 'e'], 5],
  ['a date with a blank', 'a = 1979-05-27 07:32:00\nb = 1', ['b'], 2],
];

for (const [title, text, path, line] of TRAPS) {
  test(`the line of a key is right with ${title}`, (t) => {
    t.deepEqual(linesOf(text, path), [line]);
  });
}

test('a path that does not exist has the line of the nearest enclosing table, or none', (t) => {
  t.deepEqual(linesOf('[a]\nb = 1', ['a', 'x', 0, 'y'], ['x'], []), [1, undefined, undefined]);
});

test('the scan of a text that is not TOML ends', (t) => {
  for (const text of [
    '[',
    '[[',
    'a = [',
    'a = {',
    'a = [}',
    '= = =',
    'a = """',
    '"',
    'a = {]}',
    '\0',
    'a.',
    '] ]',
    'a = [1 [ 2',
  ])
    t.notThrows(() => new TomlLocations(text).lineOf(['a']));
});

/** Pseudo-random numbers from a seed, equal in each run. */
function* numbers(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
}

/** Writes a random document. Each value is the line of its key, or of itself in an array: `"@7"`. */
class Writer {
  #text = '';
  #line = 1;
  #names = 0;
  readonly #source: Generator<number, never>;

  constructor(seed: number) {
    this.#source = numbers(seed);
  }

  write(): string {
    let list = '';
    for (let count = this.#below(12); count > 0; count--) {
      const kind = this.#below(3);
      if (kind === 0) this.#add(`[ ${this.#key()} . ${this.#key()}]${this.#comment()}\n`);
      else {
        if (kind === 1 || list === '') list = this.#key();
        this.#add(`[[ ${list} ]]${this.#comment()}\n`);
      }
      for (let keys = this.#below(5); keys > 0; keys--) this.#assignment('\n');
    }
    return this.#text;
  }

  #assignment(end: string): void {
    const line = this.#line;
    this.#add(`${this.#key()}${this.#below(3) ? '' : ` . ${this.#key()}`} = `);
    this.#value(line, end === '\n');
    this.#add(end === '\n' ? `${this.#comment()}\n` : end);
  }

  /** `line`: the line of its key. */
  #value(line: number, mayBreak: boolean): void {
    const kind = this.#below(mayBreak ? 6 : 4);
    if (kind === 0) this.#add(`"@${line} \\" # [x] = \\\\"`);
    else if (kind === 1) this.#add(`'@${line} " # a = 1 '`);
    else if (kind === 2) {
      this.#add('{ ');
      for (let keys = this.#below(3); keys > 0; keys--) this.#assignment(', ');
      this.#add(`${this.#key()} = "@${this.#line}" }`);
    } else if (kind === 3) this.#add(`"""@${line} x"""`);
    else if (kind === 4) this.#add(`"""@${line}\n[x] # \\""" '''\n a = "" 1\n""""`.replace(/""""$/, '"""'));
    else {
      this.#add(`[${this.#comment()}\n`);
      for (let values = this.#below(4); values > 0; values--) {
        this.#value(this.#line, true);
        this.#add(`,${this.#comment()}\n`);
      }
      this.#add(']');
    }
  }

  #key(): string {
    const name = `k${++this.#names}`;
    return [name, `"${name} = # ]"`, `'${name}."'`, `"${name}\\u0041"`][this.#below(4)] as string; // one of four
  }

  #comment(): string {
    return ['', ' # """', " # '''", ' # ] } = "', ' #'][this.#below(5)] as string; // one of five
  }

  #add(text: string): void {
    this.#text += text;
    this.#line += text.split('\n').length - 1;
  }

  #below(limit: number): number {
    return this.#source.next().value % limit;
  }
}

/** The texts of a document with their paths. */
function leavesOf(value: unknown, path: TomlPath = []): (readonly [TomlPath, string])[] {
  if (typeof value === 'string') return [[path, value]];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(Object(value));
  return entries.flatMap(([key, each]) => leavesOf(each, [...path, key]));
}

test('in thousands of documents each value has the line of its key', (t) => {
  let count = 0;
  for (let seed = 1; seed <= 3000; seed++) {
    const text = new Writer(seed).write();
    const locations = new TomlLocations(text);
    for (const [path, value] of leavesOf(parse(text))) {
      const line = Number(/^@(\d+)/.exec(value)?.[1]);
      if (locations.lineOf(path) !== line)
        t.is(locations.lineOf(path), line, `${JSON.stringify(path)} of seed ${seed}:\n${text}`);
      count++;
    }
  }
  t.true(count > 20_000);
});
