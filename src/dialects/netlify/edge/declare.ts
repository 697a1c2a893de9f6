import { type EdgeSettings, hasPaths } from './edge-rule.ts';
import type { EdgeFile } from './find-edge-files.ts';

/** Where and with which settings an edge function is called. */
export interface Declared {
  /** The name of the function. */
  readonly name: string;
  /** Undefined: no file has this name. */
  readonly file: EdgeFile | undefined;
  readonly settings: EdgeSettings;
}

export interface DeclareParts {
  readonly files: readonly EdgeFile[];
  /** Declarations of frameworks, and of `netlify.toml`, in their order; each names its `function`. */
  readonly manifest: readonly EdgeSettings[];
  readonly toml: readonly EdgeSettings[];
  /** The settings in the code of a file; undefined: none. */
  readonly configOf: (file: EdgeFile) => EdgeSettings | undefined;
}

/**
 * All declarations in the order in which they are called: those of frameworks, of `netlify.toml` from top to bottom, then those in code, by file
 * name; those with a manual cache after all others. A function that is declared twice has one declaration, with the settings of its code where both
 * have them.
 */
export function declare({ files, manifest, toml, configOf }: DeclareParts): readonly Declared[] {
  const declared: Declared[] = [];
  const inCode = new Set<EdgeFile>();
  const addListed = (settings: EdgeSettings): void => {
    const name = String(settings.function ?? '');
    const file = files.find((each) => each.name === name);
    const config = file && configOf(file);
    if (file && config && hasPaths(config)) {
      if (inCode.has(file)) return;
      inCode.add(file);
      const { path: _path, pattern: _pattern, ...rest } = settings;
      declared.push({ name, file, settings: { ...rest, ...config } });
    } else declared.push({ name, file, settings: config ? { ...settings, ...config } : settings });
  };
  const addOthers = (isGenerated: boolean): void => {
    for (const file of files.filter((each) => each.isGenerated === isGenerated)) {
      if (!declared.some((each) => each.file === file))
        declared.push({ name: file.name, file, settings: configOf(file) ?? {} });
    }
  };
  manifest.forEach(addListed);
  addOthers(true);
  toml.forEach(addListed);
  addOthers(false);
  const isManual = ({ settings }: Declared): boolean => settings.cache === 'manual';
  return [...declared.filter((each) => !isManual(each)), ...declared.filter(isManual)];
}
