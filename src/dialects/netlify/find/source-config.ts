import { readFile } from 'node:fs/promises';
import { didYouMean, type Problem } from '../../../contract/problem.ts';
import type { ConfigValue, ConfigValues } from '../config/config-values.ts';
import { CONFIG_KEYS } from './check-config.ts';
import { membersOf, SourceExports } from './source-exports.ts';
import { describe, toLiteral } from './source-literal.ts';
import { findSchedule } from './source-schedule.ts';
import {
  type Expression,
  locationOf,
  type ObjectLiteral,
  type Program,
  parseSource,
  SyntaxComplaint,
  withoutTypes,
} from './source-syntax.ts';

/** What the text of a function says about it. */
export interface SourceReading {
  /** Undefined: not to be told from this file alone, since it hands on what others export. */
  readonly generation: 'modern' | 'lambda' | undefined;
  /** Of the `config` of a modern function. */
  readonly config: ConfigValues;
  /** Of the `schedule()` around a Lambda handler. */
  readonly wrapper: ConfigValues;
  readonly problems: readonly Problem[];
  /** Why nothing of this is known; whoever compiles the file may have more to say about it. */
  readonly unread?: Problem;
}

/**
 * Reads the generation and the settings of a function as the platform's builder does: from its text, so that what is computed does not count. Nothing is run.
 * `path` is absolute, `file` for people. Never rejects for what stands in the file.
 */
export async function readSource(path: string, file: string): Promise<SourceReading> {
  try {
    return new Source(await parseSource(await readFile(path, 'utf8'), file), file).read();
  } catch (error) {
    const place = error instanceof SyntaxComplaint ? error.place : {};
    const why = error instanceof Error ? error.message : String(error);
    // The platform takes a file that it cannot read for one of the old generation too.
    const unread = { severity: 'warning', file, ...place, message: `its config cannot be read: ${why}` } as const;
    return { generation: 'lambda', config: new Map(), wrapper: new Map(), problems: [], unread };
  }
}

class Source {
  readonly #program: Program;
  readonly #exports: SourceExports;
  readonly #file: string;
  readonly #problems: Problem[] = [];

  constructor(program: Program, file: string) {
    this.#program = program;
    this.#exports = new SourceExports(program);
    this.#file = file;
  }

  read(): SourceReading {
    const generation = this.#generation();
    this.#warnOfMisspelt();
    return {
      generation,
      // A name that is exported from elsewhere may still turn out to be a handler.
      config: generation === 'lambda' ? new Map() : this.#config(),
      wrapper: generation === 'modern' ? new Map() : this.#wrapper(),
      problems: this.#problems,
    };
  }

  /** What a star brings may be a handler, which comes before a default export; and compiled CommonJS has names that this look does not see. */
  #generation(): SourceReading['generation'] {
    const { exported, hasStar } = this.#exports;
    if (exported.has('handler')) {
      if (exported.has('config')) {
        const text = 'is not used: Netlify reads `config` of functions without a `handler` export alone';
        this.#warn(exported.get('config'), `config ${text}`);
      }
      return 'lambda';
    }
    return exported.has('default') && !hasStar ? 'modern' : undefined;
  }

  /** Exports whose name is near to one that counts, where that one is missing. */
  #warnOfMisspelt(): void {
    const { exported, statements, hasStar } = this.#exports;
    const isFunction = exported.has('default') || exported.has('handler') || hasStar;
    if (isFunction && exported.has('config')) return;
    for (const [name, value] of exported) {
      // Any export may have a name like that one; only an object of settings is meant as one.
      if (isFunction && !hasSetting(value)) continue;
      const nearest = didYouMean(name, isFunction ? ['config'] : ['handler', 'default']);
      if (nearest !== '') this.#warn(statements.get(name), `${name} is no export that Netlify knows${nearest}`);
    }
  }

  #config(): ConfigValues {
    const literal = this.#named() ?? this.#inDefault();
    if (!literal) return new Map();
    this.#warnOfSpreads(literal);
    const values = membersOf(literal).map(([key, value]) => [key, this.#toValue(key, value, literal)] as const);
    return new Map(values.filter((entry): entry is [string, ConfigValue] => entry[1] !== undefined));
  }

  /** `export const config = { … }`; an annotation is fine, `as` and `satisfies` are not. */
  #named(): ObjectLiteral | undefined {
    const { exported } = this.#exports;
    if (!exported.has('config')) return undefined;
    const named = exported.get('config');
    if (named?.type === 'ObjectExpression') return named;
    const what = named ? describe(named) : 'not in this file';
    this.#warn(named, `config is ${what}, so that Netlify does not see it: write it out as an object`);
    return undefined;
  }

  /** `export default { fetch, config: { … } }`, there with types as well. */
  #inDefault(): ObjectLiteral | undefined {
    const standard = this.#unwrap(this.#exports.exported.get('default'));
    if (standard?.type !== 'ObjectExpression') return undefined;
    const entry = membersOf(standard).find(([name]) => name === 'config');
    if (!entry) return undefined;
    const [, config] = entry;
    if (config?.type === 'ObjectExpression') return config;
    const what = config ? describe(config) : 'a method';
    this.#warn(config ?? standard, `config is ${what}, so that Netlify does not see it: write it out as an object`);
    return undefined;
  }

  #unwrap(expression: Expression | undefined): Expression | undefined {
    const bare = expression && withoutTypes(expression);
    const resolved = this.#exports.resolve(bare);
    return resolved && withoutTypes(resolved);
  }

  #toValue(key: string, value: Expression | undefined, around: ObjectLiteral): ConfigValue | undefined {
    if (!value) {
      this.#warn(around, `config.${key} is a method, so that Netlify does not see it`);
      return undefined;
    }
    const read = toLiteral(value, (part, what) => {
      this.#warn(part, `config.${key} is not written out (${what}), so that Netlify does not see it`);
    });
    return read === undefined ? undefined : { value: read, file: this.#file, ...locationOf(value) };
  }

  #warnOfSpreads(literal: ObjectLiteral): void {
    for (const property of literal.properties) {
      if (property.type !== 'SpreadElement') continue;
      this.#warn(property.argument, 'what is spread into config is not seen by Netlify: write it out');
    }
  }

  #wrapper(): ConfigValues {
    const found = findSchedule(this.#program, this.#exports);
    if (!found) return new Map();
    const place = locationOf(found.argument);
    return new Map([['schedule', { value: found.value ?? null, file: this.#file, ...place }]]);
  }

  #warn(part: Parameters<typeof locationOf>[0] | undefined, message: string): void {
    this.#problems.push({ severity: 'warning', file: this.#file, ...(part && locationOf(part)), message });
  }
}

/** Whether it is an object with a setting of a function. */
function hasSetting(value: Expression | undefined): boolean {
  return value?.type === 'ObjectExpression' && membersOf(value).some(([key]) => CONFIG_KEYS.includes(key));
}
