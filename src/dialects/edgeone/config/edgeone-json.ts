import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';
import type { EdgeOneJson, Report } from './check-edgeone-json.ts';
import { checkEdgeOneJson } from './check-edgeone-json.ts';
import { JsonError, type LocatedJson, type Location, parseLocated } from './located-json.ts';

export interface EdgeOneJsonReading {
  readonly json: EdgeOneJson;
  readonly problems: readonly Problem[];
}

const EMPTY: EdgeOneJson = checkEdgeOneJson({}, () => undefined);

const FILE = 'edgeone.json';

/**
 * Reads the site's `edgeone.json`. Without one, the result has no rules. Never rejects for its
 * content: each mistake becomes a problem with its line.
 */
export async function readEdgeOneJson(root: string): Promise<EdgeOneJsonReading> {
  try {
    const text = await readFile(join(root, FILE), 'utf8');
    return check(parseLocated(text.replace(/^\uFEFF/, '')));
  } catch (error) {
    if (isMissing(error)) return { json: EMPTY, problems: [] };
    // The file may have had a guard for the agents.
    return { json: { ...EMPTY, agents: { ...EMPTY.agents, auth: 'closed' } }, problems: [toProblem(error)] };
  }
}

function check({ value, locationOf }: LocatedJson): EdgeOneJsonReading {
  const problems: Problem[] = [];
  const report: Report = (path, message, severity = 'error') => {
    problems.push({ severity, file: FILE, ...locationOf(path), message: path === '' ? message : `${path} ${message}` });
  };
  const json = checkEdgeOneJson(value, report, (path) => locationOf(path).line);
  return { json, problems };
}

function toProblem(error: unknown): Problem {
  const location: Partial<Location> = error instanceof JsonError ? error.location : {};
  const what = error instanceof JsonError ? 'is not valid JSON' : 'cannot be read';
  const message = `${what}: ${error instanceof Error ? error.message : error}; the file is not used`;
  return { severity: 'error', file: FILE, ...location, message };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
