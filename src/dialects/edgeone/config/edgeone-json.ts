import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissingFile } from '../../../contract/error-code.ts';
import type { Problem } from '../../../contract/problem.ts';
import { evaluateConfig } from '../../loader/config-module.ts';
import { DEAD_LINK, findNearPaths, isDeadLink } from '../../loader/near-paths.ts';
import { locateName } from '../locate-name.ts';
import type { EdgeOneJson, Report } from './check-edgeone-json.ts';
import { checkEdgeOneJson } from './check-edgeone-json.ts';
import type { LocatedJson, Location } from './located-json.ts';

export interface EdgeOneJsonReading {
  readonly json: EdgeOneJson;
  readonly problems: readonly Problem[];
  /** The file with the settings. */
  readonly file: string;
  /** The file cannot be read. */
  readonly isUnread?: true;
  /** Of the value at a path such as `schedules[0].path`. Undefined if there is no value. */
  readonly locationOf?: (path: string) => Location;
}

const EMPTY: EdgeOneJson = checkEdgeOneJson({}, () => undefined);

const FILE = 'edgeone.json';

/** The same settings as a module; used if there is no `edgeone.json`. */
const MODULES = ['edgeone.config.ts', 'edgeone.config.js', 'edgeone.config.mjs'];

const MODULE_LIMIT_MS = 5000;

/** A file with settings may have a guard for the agents. */
const GUARD = /\bauth\b/;

const STAND_IN = `export const defineConfig = (config) => config;
  export const validateConfig = (data) => ({ success: true, data });`;

/** A stand-in for the package of the platform, which is not public. */
const STAND_INS = { '@edgeone/types/config': STAND_IN, '@edgeone/types': STAND_IN };

/**
 * Reads the site's `edgeone.json`, or else evaluates its `edgeone.config.ts` or `.js`. Without one,
 * the result has no rules. Never rejects for its content: each mistake becomes a problem with its
 * line.
 */
export async function readEdgeOneJson(root: string): Promise<EdgeOneJsonReading> {
  const [module, ...others] = await findModules(root);
  try {
    return await parse(await readFile(join(root, FILE), 'utf8'), module ? [module, ...others] : []);
  } catch (error) {
    if (!isMissingFile(error)) return toClosed(FILE, toProblem('cannot be read', error));
    if (await isDeadLink(join(root, FILE)))
      return toClosed(FILE, { severity: 'error', file: FILE, message: DEAD_LINK });
    return module ? readModule(root, module, others) : findMisspelt(root);
  }
}

async function findMisspelt(root: string): Promise<EdgeOneJsonReading> {
  const [file] = await findNearPaths(root, FILE, 'file');
  if (file === undefined) return { json: EMPTY, problems: [], file: FILE };
  return toClosed(file, { severity: 'error', file, message: `is not read; did you mean ${FILE}?` });
}

async function parse(text: string, unused: readonly FoundModule[]): Promise<EdgeOneJsonReading> {
  // Imported only here: a site without this file needs no parser.
  const { JsonError, parseLocated } = await import('./located-json.ts');
  try {
    return check(FILE, parseLocated(text.replace(/^\uFEFF/, '')), unused);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return toClosed(FILE, toProblem('is not valid JSON', error, error.location));
  }
}

interface FoundModule {
  readonly file: string;
  readonly text: string;
}

async function findModules(root: string): Promise<readonly FoundModule[]> {
  const found = await Promise.all(
    MODULES.map(async (file): Promise<readonly FoundModule[]> => {
      const text = await readFile(join(root, file), 'utf8').catch(() => undefined);
      return text === undefined ? [] : [{ file, text }];
    }),
  );
  return found.flat();
}

async function readModule(
  root: string,
  { file, text }: FoundModule,
  others: readonly FoundModule[],
): Promise<EdgeOneJsonReading> {
  const answer = await evaluateConfig({ path: join(root, file), standIns: STAND_INS, limitMs: MODULE_LIMIT_MS });
  const locationOf = (path: string): Location => {
    // The last key of the path, or of the nearest parent that the text names.
    for (const key of (path.match(/[^.[\]]+/g) ?? []).toReversed()) {
      const { line, column } = /^\d+$/.test(key) ? {} : locateName(key, text);
      if (line !== undefined && column !== undefined) return { line, column };
    }
    return { line: 1, column: 1 };
  };
  if (answer.state === 'done') return check(file, { value: JSON.parse(answer.json), locationOf }, others);
  const unused = '; the file is not used';
  if (answer.state === 'failed') {
    const { message, ...place } = answer;
    return toClosed(file, {
      severity: 'error',
      file,
      ...toPlace(place),
      message: `cannot be evaluated: ${message}${unused}`,
    });
  }
  const what = answer.path === '' ? 'its default export' : answer.path;
  const message = `${what} must be plain data, got ${answer.kind}${unused}`;
  return toClosed(file, { severity: 'error', file, ...locationOf(answer.path), message });
}

function toPlace({ line, column }: Partial<Location>): Partial<Location> {
  return { ...(line !== undefined && { line }), ...(column !== undefined && { column }) };
}

/** The file may have had a guard for the agents. */
function toClosed(file: string, problem: Problem): EdgeOneJsonReading {
  return { json: { ...EMPTY, agents: { ...EMPTY.agents, auth: 'closed' } }, problems: [problem], file, isUnread: true };
}

/** `unused`: other files with settings. */
function check(file: string, { value, locationOf }: LocatedJson, unused: readonly FoundModule[]): EdgeOneJsonReading {
  const problems: Problem[] = [];
  const report: Report = (path, message, severity = 'error') => {
    problems.push({ severity, file, ...locationOf(path), message: path === '' ? message : `${path} ${message}` });
  };
  const json = checkEdgeOneJson(value, report, (path) => locationOf(path).line);
  let isGuardLost = false;
  for (const each of unused) {
    const message = `is not used: the settings are those of ${file}`;
    const mayGuard = json.agents.auth === undefined && GUARD.test(each.text);
    isGuardLost ||= mayGuard;
    if (!mayGuard) problems.push({ severity: 'warning', file: each.file, message });
    else {
      const place = locateName('auth', each.text);
      const lost = `${message}; it names auth, and ${file} has no agents.auth, so the routes of agents answer 503`;
      problems.push({ severity: 'error', file: each.file, ...toPlace(place), message: lost });
    }
  }
  const closed: EdgeOneJson = isGuardLost ? { ...json, agents: { ...json.agents, auth: 'closed' } } : json;
  return { json: closed, problems, file, locationOf };
}

function toProblem(what: string, error: unknown, location: Partial<Location> = {}): Problem {
  const message = `${what}: ${error instanceof Error ? error.message : error}; the file is not used`;
  return { severity: 'error', file: FILE, ...location, message };
}
