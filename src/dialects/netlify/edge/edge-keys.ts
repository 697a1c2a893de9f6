import { nearestWord } from '../../../contract/nearest-word.ts';
import { didYouMean, type Problem } from '../../../contract/problem.ts';
import type { TomlEdgeFunction } from '../config/toml-edge-functions.ts';
import { TOML_FILE } from '../config/toml-problems.ts';
import type { SourceReading } from '../find/source-config.ts';
import type { Declared } from './declare.ts';
import { EDGE_KEYS, type EdgeSettings, hasPaths } from './edge-rule.ts';
import { type EdgeFile, MANIFEST } from './find-edge-files.ts';

type Location = Pick<Problem, 'file' | 'line' | 'column'>;

/** Where the keys of the declarations of edge functions are, and which of them are no keys. */
export class EdgeKeys {
  readonly #toml: readonly TomlEdgeFunction[];
  /** Of each file with settings in its text. */
  readonly #inCode = new Map<EdgeFile, ReadonlyMap<string, Location>>();

  constructor(toml: readonly TomlEdgeFunction[]) {
    this.#toml = toml;
  }

  note(file: EdgeFile, { config }: SourceReading): void {
    this.#inCode.set(file, new Map([...config].map(([key, { value: _value, ...location }]) => [key, location])));
  }

  /** Undefined if the code of the function does not show the key. */
  inCode(file: EdgeFile | undefined, key: string): Location | undefined {
    return file && this.#inCode.get(file)?.get(key);
  }

  /** Where a declaration has a key, or where it is. */
  locate({ name, file, settings }: Declared, key = ''): Location {
    const inCode = this.inCode(file, key);
    if (inCode) return inCode;
    const isNameless = name === '';
    const inToml = this.#toml.find(({ values }) => (isNameless ? values === settings : values.function === name));
    if (inToml && (!file || key in inToml.values)) {
      const line = inToml.lines?.get(key) ?? inToml.line;
      return { file: TOML_FILE, ...(line !== undefined && { line }) };
    }
    return { file: file?.file ?? (name === '' ? TOML_FILE : MANIFEST) };
  }

  /** Reports the keys of a declaration in code that are none. `netlify.toml` is checked where it is read. */
  check(declared: Declared): readonly Problem[] {
    const { file, settings } = declared;
    if (!file) return [];
    return toUnknown(settings).flatMap((key): readonly Problem[] => {
      const location = this.inCode(file, key) ?? { file: file.file };
      if (this.locate(declared, key).file === TOML_FILE) return [];
      const isGuard = isLostPath(key, settings) || isLostLimit(key);
      const effect = isLostPath(key, settings)
        ? 'every path answers 500'
        : isLostLimit(key)
          ? 'what it limits answers 404'
          : 'it is not used';
      const message = `${key} is no setting of an edge function${didYouMean(key, EDGE_KEYS)}; ${effect}`;
      return [{ severity: isGuard ? 'error' : 'warning', ...location, message }];
    });
  }
}

/** Whether the only path of a function is in a misspelt key. */
export function lacksPath(settings: EdgeSettings): boolean {
  return toUnknown(settings).some((key) => isLostPath(key, settings));
}

/** Whether the limit of a function is in a misspelt key. */
export function lacksLimit(settings: EdgeSettings): boolean {
  return toUnknown(settings).some(isLostLimit);
}

function toUnknown(settings: EdgeSettings): readonly string[] {
  return Object.keys(settings).filter((key) => !EDGE_KEYS.includes(key));
}

function isLostPath(key: string, settings: EdgeSettings): boolean {
  return !hasPaths(settings) && ['path', 'pattern'].includes(nearestWord(key, EDGE_KEYS) ?? '');
}

function isLostLimit(key: string): boolean {
  return nearestWord(key, EDGE_KEYS) === 'rateLimit';
}
