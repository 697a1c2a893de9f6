import { BadPath, type PathToken } from './path-token.ts';
import { toPathTokens } from './path-tokens.ts';

/** `?`, `*` and `+` behind a part; '' for none. */
export type Modifier = '' | '?' | '*' | '+';

/** A piece of a pattern, in order: a text that stands there as it is, or something that takes a part of the path between two texts. */
export type PathPart = TextPart | GroupPart;

export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
  readonly modifier: Modifier;
}

export interface GroupPart {
  readonly kind: 'group';
  /** What it takes: up to the next slash, anything, or what an expression of the author's says. */
  readonly takes: 'segment' | 'anything' | { readonly expression: string };
  /** Its number for one without a name, from "0". */
  readonly name: string;
  /** Repeated and left out together with it. */
  readonly prefix: string;
  readonly suffix: string;
  readonly modifier: Modifier;
  /** Place in the pattern, from 1. */
  readonly at: number;
}

/** Reads a pattern in the syntax of the web's `URLPattern` for a pathname (URL Pattern Standard, "parse a pattern string"). Throws BadPath. */
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
      // A slash in front belongs to the group, and comes and goes with it.
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
    return new BadPath(at, `has a "${text}" where none can stand; write \\${text} for the character itself`);
  }
}
