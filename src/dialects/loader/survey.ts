import { hash } from 'node:crypto';
import { dirname, relative, resolve } from 'node:path';
import { init, parse } from 'es-module-lexer';
import type { Problem } from '../../contract/problem.ts';
import type { Project } from '../../contract/project.ts';
import { buildAround } from './build-around.ts';
import { InputWatch } from './inputs.ts';
import { explainStale, findKept } from './kept-build.ts';
import { readText } from './read-text.ts';
import { SourceProblems } from './source-problems.ts';

/** What a file exports, found without running it. */
export interface Look {
  readonly names: ReadonlySet<string>;
  /** The name with which the default export was declared; '' if it has none. */
  readonly defaultName: string;
}

export interface Survey {
  /** By absolute path. Contains no files that export nothing, and no broken files. */
  readonly looks: ReadonlyMap<string, Look>;
  /** Text of the given files that esbuild could not parse; '' for a file that cannot be read. */
  readonly brokenTexts: ReadonlyMap<string, string>;
  /** The problems found, for the build that follows. */
  readonly found: SourceProblems;
}

const MAY_EXPORT = /\bexports?\b/;

/**
 * Finds what each file exports, also through re-exports (`export * from`), types and renamings, by
 * bundling with esbuild; or reads it from an up-to-date build. Runs and writes nothing. Throws a
 * BuildError when neither is possible.
 */
export async function survey(project: Project, given: readonly string[]): Promise<Survey> {
  const { root, ahead, log } = project;
  const paths = [...new Set(given)];
  const files = paths.map((path) => relative(root, path));
  const kept = await findKept(project, { kind: 'survey', files });
  if (kept.state === 'fresh') return fromAnswer(root, kept.piece.answer as SurveyAnswer); // `toAnswer` made it
  // `compile` reports this as a problem, if a function depends on what changed.
  if (kept.state === 'stale')
    log.info('reading the exports of functions again', { reason: `${kept.problem.file} ${kept.problem.message}` });
  const watch = ahead && new InputWatch(root);
  const found = await explainStale(kept, () => look(project, paths, watch));
  if (watch) {
    for (const path of paths) watch.add(path);
    ahead.keep({ kind: 'survey', files, inputs: watch.toInputs(), answer: toAnswer(root, found) });
  }
  return found;
}

/** A survey as JSON, with paths relative to the site. */
interface SurveyAnswer {
  readonly looks: readonly [file: string, names: readonly string[], defaultName: string][];
  readonly brokenTexts: readonly [file: string, text: string][];
  readonly broken: readonly [file: string, problem: Problem][];
}

function toAnswer(root: string, { looks, brokenTexts, found }: Survey): SurveyAnswer {
  return {
    looks: [...looks].map(([path, { names, defaultName }]) => [relative(root, path), [...names], defaultName]),
    brokenTexts: [...brokenTexts].map(([path, text]) => [relative(root, path), text]),
    broken: [...found.files].map(([path, problem]) => [relative(root, path), problem]),
  };
}

function fromAnswer(root: string, { looks, brokenTexts, broken }: SurveyAnswer): Survey {
  return {
    looks: new Map(
      looks.map(([file, names, defaultName]) => [resolve(root, file), { names: new Set(names), defaultName }]),
    ),
    brokenTexts: new Map(brokenTexts.map(([file, text]) => [resolve(root, file), text])),
    found: new SourceProblems(
      root,
      broken.map(([file, problem]) => [resolve(root, file), problem] as const),
    ),
  };
}

async function look(
  { root, warmCode, fileFacts }: Pick<Project, 'root' | 'warmCode' | 'fileFacts'>,
  files: readonly string[],
  watch: InputWatch | undefined,
): Promise<Survey> {
  const found = new SourceProblems(root);
  const { files: broken } = found;
  const texts = new Map<string, string>();
  await Promise.all(files.map((file) => readInto(texts, { root, fileFacts, file, broken })));
  const exporting = files.filter((file) => MAY_EXPORT.test(texts.get(file) ?? ''));
  const keys = new Map(exporting.map((file) => [file, toKey(file, texts.get(file) ?? '')]));
  const known = exporting.flatMap((file) => {
    const seen = warmCode?.find(keys.get(file) ?? '') as Look | undefined; // only this function keeps under this key
    return seen ? [[file, seen] as const] : [];
  });
  const looks = new Map<string, Look>(known);
  const unknown = exporting.filter((file) => !looks.has(file));
  if (unknown.length > 0) {
    for (const [file, seen] of await lookAt({ root, fileFacts, files: unknown, texts, found, watch })) {
      looks.set(file, seen);
      if (isAlone(texts.get(file) ?? '')) warmCode?.keep(keys.get(file) ?? '', seen);
    }
  }
  const brokenTexts = new Map(
    files.filter((file) => broken.has(file)).map((file) => [file, texts.get(file) ?? ''] as const),
  );
  return { looks, brokenTexts, found };
}

function toKey(file: string, text: string): string {
  return `survey of ${file} ${hash('sha256', text)}`;
}

/** A declaration after `export`, which names what it exports. */
const DECLARES =
  /^\s+(?:default\s+)?(?:declare\s+|abstract\s+)*(?:async\s+)?(?:function|class|const|let|var|enum|interface|type)\b/;

/** Whether a file exports only what it declares, so that its exports do not depend on other files. */
function isAlone(text: string): boolean {
  if (/\bexports\b/.test(text)) return false;
  return text
    .split(/\bexport\b/)
    .slice(1)
    .every((rest) => DECLARES.test(rest));
}

interface Reading extends Pick<Project, 'root' | 'fileFacts'> {
  readonly file: string;
  readonly broken: Map<string, Problem>;
}

async function readInto(texts: Map<string, string>, { root, fileFacts, file, broken }: Reading): Promise<void> {
  try {
    texts.set(file, await readText({ fileFacts }, file));
  } catch (error) {
    const message = `cannot be read: ${error instanceof Error ? error.message : error}`;
    broken.set(file, { severity: 'error', file: relative(root, file), message });
  }
}

interface LookRequest extends Pick<Project, 'root' | 'fileFacts'> {
  readonly files: readonly string[];
  readonly texts: ReadonlyMap<string, string>;
  readonly found: SourceProblems;
  readonly watch: InputWatch | undefined;
}

async function lookAt({ root, fileFacts, files, texts, found, watch }: LookRequest): Promise<Map<string, Look>> {
  const { built, isMadeCommonJs } = await buildAround({
    root,
    fileFacts,
    entries: files,
    toOptions: (entries) => ({
      // Numbered, because `a.js` and `a.ts` would get the same output.
      entryPoints: entries.map((file, index) => ({ in: file, out: String(index) })),
      outdir: root,
      splitting: true,
    }),
    problems: found,
    watch,
    willRun: false,
  });
  await init();
  const outputs = new Map(built.outputFiles.map(({ path, text }) => [path, text]));
  const looks = new Map<string, Look>();
  for (const [path, { entryPoint, exports }] of Object.entries(built.metafile.outputs)) {
    const file = entryPoint === undefined ? undefined : resolve(root, entryPoint);
    if (file === undefined || found.files.has(file)) continue;
    const isCommonJs = built.metafile.inputs[entryPoint ?? '']?.format === 'cjs' || isMadeCommonJs(file);
    const names = new Set(isCommonJs ? namesInCommonJs(texts.get(file) ?? '') : exports);
    looks.set(file, { names, defaultName: declaredName(outputs, resolve(root, path), 'default') });
  }
  return looks;
}

/**
 * The name with which an export was declared. Modules that several files share have separate
 * outputs.
 */
function declaredName(outputs: ReadonlyMap<string, string>, path: string, name: string): string {
  const text = outputs.get(path) ?? '';
  const [, exports] = parse(text);
  const found = exports.find((each) => each.type !== 'reexport-all' && each.name === name);
  if (found?.type === 'reexport' && found.importName !== null) {
    return declaredName(outputs, resolve(dirname(path), found.from), found.importName);
  }
  const local = found?.type === 'direct' ? found.localName : undefined;
  if (local === undefined) return '';
  // `export default expression` becomes a variable first. Names that collide in one output are
  // numbered.
  const [, expression = local] = text.split(`\nvar ${local} = `, 2);
  return (/^([\w$]+?)\d*(?:;|$)/.exec(expression) ?? ['', ''])[1] ?? '';
}

const ASSIGNED = /\bexports\s*(?:\.\s*([\w$]+)|\[\s*["']([^"']+)["']\s*\])\s*=(?!=)/g;
const DEFINED = /\bdefineProperty\(\s*(?:module\.)?exports\s*,\s*["']([^"']+)["']/g;
const WHOLE = /\bmodule\s*\.\s*exports\s*=(?!=)/;
/** A key of an object literal: with a value, shorthand or as a method. */
const KEY = /[{,]\s*(?:async\s+)?["']?([\w$]+)["']?\s*(?=[,:(}])/g;

/**
 * The names that a CommonJS file may export, found in its text, since CommonJS declares none. May
 * contain names that are not exported; the load of the file shows that.
 */
function namesInCommonJs(text: string): Set<string> {
  const names = new Set<string>();
  collect(names, text, ASSIGNED);
  collect(names, text, DEFINED);
  if (WHOLE.test(text)) {
    names.add('default');
    collect(names, text, KEY);
  }
  return names;
}

function collect(names: Set<string>, text: string, pattern: RegExp): void {
  for (const [, first, second] of text.matchAll(pattern)) {
    const name = first ?? second;
    if (name !== undefined) names.add(name);
  }
}
