import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CALL_RETURNS, type SiteCall } from './site-calls.ts';
import type { SiteGuard } from './site-guard.ts';

/**
 * `process.exitCode = 1`, `process['exitCode'] ??= toCode(error)`: what is assigned is captured.
 */
const ASSIGNMENT = /\bexitCode(?:['"]\])?\s*(?:\?\?|\|\|)?=(?!=)\s*([^;,}\s]*)/;

/**
 * Logs that code of the site has set `process.exitCode`, which has no effect (src/cli/exit.ts).
 * Node does not let this property be replaced, so it is read after each call, and reset. Cannot be
 * removed: only for a process that belongs to nexthop.
 */
export function guardExitCode(guard: SiteGuard): void {
  const files = new Set<string>();
  const found = new Set<string>();
  CALL_RETURNS.subscribe((message) => {
    const { calledCode } = message as SiteCall; // what is published there
    files.add(calledCode);
    const { exitCode } = process;
    if (exitCode === undefined) return;
    process.exitCode = undefined;
    const key = `${calledCode} ${exitCode}`;
    if (found.has(key)) return;
    found.add(key);
    // Several files load at the same time, so that another one may have set it.
    const places = [calledCode, ...files].flatMap((file) => findAssignment(guard.site, file) ?? []);
    const place =
      places.find(({ assigned }) => assigned === String(exitCode)) ??
      places.find(({ assigned }) => !isNumber(assigned));
    const at = place ? ` at ${place.file}:${place.line}` : `, seen after a call of ${calledCode},`;
    const details = { ...(place && { file: place.file, line: place.line }), target: calledCode };
    const text = `process.exitCode = ${exitCode}${at} has no effect: nexthop sets the exit code of the process`;
    guard.warnOnce(`process.exitCode ${place?.file ?? calledCode}`, text, details);
  });
}

interface Assignment {
  /** Relative to the site. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly assigned: string;
}

/** The first one in a file. */
function findAssignment(site: string, file: string): Assignment | undefined {
  try {
    const lines = readFileSync(join(site, file), 'utf8').split('\n');
    const index = lines.findIndex((line) => ASSIGNMENT.test(line));
    const [, assigned = ''] = ASSIGNMENT.exec(lines[index] ?? '') ?? [];
    return index < 0 ? undefined : { file, line: index + 1, assigned };
  } catch {
    // Not every call is named after a file.
    return undefined;
  }
}

function isNumber(text: string): boolean {
  return /^['"]?\d/.test(text);
}
