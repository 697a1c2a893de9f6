import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';
import type { EdgeOneJson } from './check-edgeone-json.ts';
import { checkEdgeOneJson } from './check-edgeone-json.ts';
import { JsonError, type LocatedJson, type Location, parseLocated } from './located-json.ts';

export interface EdgeOneJsonReading {
  readonly json: EdgeOneJson;
  readonly problems: readonly Problem[];
}

const NOTHING: EdgeOneJson = checkEdgeOneJson({}, () => undefined);

const FILE = 'edgeone.json';

/** Reads the site's `edgeone.json`; a site without one gets an empty one. Never rejects for what stands in it: each mistake is a problem with its line. */
export async function readEdgeOneJson(root: string): Promise<EdgeOneJsonReading> {
  try {
    const text = await readFile(join(root, FILE), 'utf8');
    return check(parseLocated(text.replace(/^\uFEFF/, '')));
  } catch (error) {
    return { json: NOTHING, problems: isMissing(error) ? [] : [toProblem(error)] };
  }
}

function check({ value, locationOf }: LocatedJson): EdgeOneJsonReading {
  const problems: Problem[] = [];
  const json = checkEdgeOneJson(value, (path, message, severity = 'error') => {
    problems.push({ severity, file: FILE, ...locationOf(path), message: path === '' ? message : `${path} ${message}` });
  });
  return { json, problems };
}

function toProblem(error: unknown): Problem {
  const place: Partial<Location> = error instanceof JsonError ? error.place : {};
  const what = error instanceof JsonError ? 'is no JSON' : 'cannot be read';
  const message = `${what}: ${error instanceof Error ? error.message : error}; nothing of it is used`;
  return { severity: 'error', file: FILE, ...place, message };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
