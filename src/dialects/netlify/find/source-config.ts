import { readFile } from 'node:fs/promises';
import { messageOf } from '../../../contract/error-message.ts';
import { didYouMean, type Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { ConfigValue, ConfigValues } from '../config/config-values.ts';
import { CONFIG_KEYS } from './check-config.ts';
import { salvageConfig } from './salvaged-config.ts';
import { membersOf, SourceExports } from './source-exports.ts';
import { describe, toLiteral } from './source-literal.ts';
import { findSchedule } from './source-schedule.ts';
import {
  type Expression,
  locationOf,
  type ObjectLiteral,
  type Program,
  parseSource,
  SourceSyntaxError,
  withoutTypes,
} from './source-syntax.ts';

/** The result of reading the source of a function. */
export interface SourceReading {
  /** Undefined if the file alone does not show it, because it re-exports from other files. */
  readonly generation: 'modern' | 'lambda' | undefined;
  /** The settings in the `config` of a modern function. */
  readonly config: ConfigValues;
  /** The settings in the `schedule()` around a Lambda handler. */
  readonly wrapper: ConfigValues;
  readonly problems: readonly Problem[];
  /** It exports no function: names the export that is most likely meant as one. Not among the problems. */
  readonly misspelt?: Problem;
  /** Why the file could not be read. The compiler may report the same error. */
  readonly unread?: Problem;
  /** What the text of such a file shows of its settings. */
  readonly salvaged?: ConfigValues | 'lost';
}

/**
 * Reads the generation and the settings of a function from its source, as the platform's builder
 * does, so computed values have no effect. Runs no code. `path` is absolute; `file` names it in
 * problems. Never rejects because of the content of the file.
 */
export function readSource(
  { fileFacts }: Pick<Project, 'fileFacts'>,
  { path, file }: SourceFile,
): Promise<SourceReading> {
  const find = async (): Promise<SourceReading> => readFrom(path, file);
  return fileFacts ? fileFacts.of(path, `settings of ${file}`, find) : find();
}

interface SourceFile {
  readonly path: string;
  readonly file: string;
}

async function readFrom(path: string, file: string): Promise<SourceReading> {
  let text = '';
  try {
    text = await readFile(path, 'utf8');
    return new Source(await parseSource(text, file), file).read();
  } catch (error) {
    const location = error instanceof SourceSyntaxError ? error.location : {};
    const why = messageOf(error);
    // The platform, too, treats a file that it cannot parse as Lambda-compatible.
    const unread = { severity: 'warning', file, ...location, message: `its config cannot be read: ${why}` } as const;
    const salvaged = text === '' ? 'lost' : await salvageConfig(text, file);
    return { generation: 'lambda', config: new Map(), wrapper: new Map(), problems: [], unread, salvaged };
  }
}

class Source {
  readonly #program: Program;
  readonly #exports: SourceExports;
  readonly #file: string;
  readonly #problems: Problem[] = [];
  #misspelt: Problem | undefined;

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
      // Without a known generation a re-export may still be a handler, so both are read.
      config: generation === 'lambda' ? new Map() : this.#config(),
      wrapper: generation === 'modern' ? new Map() : this.#wrapper(),
      problems: this.#problems,
      ...(this.#misspelt && { misspelt: this.#misspelt }),
    };
  }

  /**
   * `export *` may export a handler, which takes precedence over a default export. Compiled
   * CommonJS may have exports that the source does not show.
   */
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

  /** Warns of exports whose names resemble a missing one that Netlify supports. */
  #warnOfMisspelt(): void {
    const { exported, statements, hasStar } = this.#exports;
    const isFunction = exported.has('default') || exported.has('handler') || hasStar;
    if (isFunction && exported.has('config')) return;
    for (const [name, value] of exported) {
      // A function may export anything; only an object with settings is likely to be meant as
      // `config`.
      if (isFunction && !hasSetting(value)) continue;
      const nearest = didYouMean(name, isFunction ? ['config'] : ['handler', 'default']);
      if (nearest === '') continue;
      const problem = this.#toWarning(statements.get(name), `${name} is no export that Netlify supports${nearest}`);
      if (isFunction) this.#problems.push(problem);
      else this.#misspelt ??= problem;
    }
  }

  #config(): ConfigValues {
    const literal = this.#configExport() ?? this.#configOfDefault();
    if (!literal) return new Map();
    this.#warnOfSpreads(literal);
    const values = membersOf(literal).map(([key, value]) => [key, this.#toValue(key, value, literal)] as const);
    return new Map(values.filter((entry): entry is [string, ConfigValue] => entry[1] !== undefined));
  }

  /** `export const config = { … }`. A type annotation is allowed, `as` and `satisfies` are not. */
  #configExport(): ObjectLiteral | undefined {
    const { exported } = this.#exports;
    if (!exported.has('config')) return undefined;
    const named = exported.get('config');
    if (named?.type === 'ObjectExpression') return named;
    const what = named ? describe(named) : 'not in this file';
    this.#warn(named, `config is ${what}, so Netlify does not see it: write it out as an object`);
    return undefined;
  }

  /** `export default { fetch, config: { … } }`. Here `as` and `satisfies` are allowed. */
  #configOfDefault(): ObjectLiteral | undefined {
    const standard = this.#unwrap(this.#exports.exported.get('default'));
    if (standard?.type !== 'ObjectExpression') return undefined;
    const entry = membersOf(standard).find(([name]) => name === 'config');
    if (!entry) return undefined;
    const [, config] = entry;
    if (config?.type === 'ObjectExpression') return config;
    const what = config ? describe(config) : 'a method';
    this.#warn(config ?? standard, `config is ${what}, so Netlify does not see it: write it out as an object`);
    return undefined;
  }

  #unwrap(expression: Expression | undefined): Expression | undefined {
    const bare = expression && withoutTypes(expression);
    const resolved = this.#exports.resolve(bare);
    return resolved && withoutTypes(resolved);
  }

  #toValue(key: string, value: Expression | undefined, around: ObjectLiteral): ConfigValue | undefined {
    if (!value) {
      this.#warn(around, `config.${key} is a method, so Netlify does not see it`);
      return undefined;
    }
    let isUnread = false;
    const read = toLiteral(value, (part, what) => {
      isUnread = true;
      this.#warn(part, `config.${key} is no literal (${what}), so Netlify does not see it`);
    });
    // A limit that cannot be read closes the function: without it the function may be open to too much.
    if (key === 'rateLimit' && isUnread && read === undefined)
      return { value: null, file: this.#file, ...locationOf(value) };
    return read === undefined ? undefined : { value: read, file: this.#file, ...locationOf(value) };
  }

  #warnOfSpreads(literal: ObjectLiteral): void {
    for (const property of literal.properties) {
      if (property.type !== 'SpreadElement') continue;
      this.#warn(property.argument, 'Netlify does not see what is spread into config: write it out');
    }
  }

  #wrapper(): ConfigValues {
    const found = findSchedule(this.#program, this.#exports);
    if (!found) return new Map();
    const location = locationOf(found.argument);
    return new Map([['schedule', { value: found.value ?? null, file: this.#file, ...location }]]);
  }

  #warn(part: Parameters<typeof locationOf>[0] | undefined, message: string): void {
    this.#problems.push(this.#toWarning(part, message));
  }

  #toWarning(part: Parameters<typeof locationOf>[0] | undefined, message: string): Problem {
    return { severity: 'warning', file: this.#file, ...(part && locationOf(part)), message };
  }
}

/** Whether the value is an object with at least one setting of a function. */
function hasSetting(value: Expression | undefined): boolean {
  return value?.type === 'ObjectExpression' && membersOf(value).some(([key]) => CONFIG_KEYS.includes(key));
}
