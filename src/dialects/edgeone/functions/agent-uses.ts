import { relative } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';

/** `context.agent`, by the names that a context usually has, also of a request of Node (`req.context.agent`). */
const READ = /\b(?:context|ctx|event|c)(?:\s+as\s+[\w.<>]+\s*\))?\s*(?:\?\.|\.|\?\.\[\s*["']|\[\s*["'])\s*agent\b/;

/** `{ agent }` of a context, as a handler's parameter or taken from a variable. */
const TAKEN =
  /\bonRequest\w*\s*(?:=\s*(?:async\s*)?)?\(\s*\{[^{}()]*\bagent\b|\{[^{}]*\bagent\b[^{}]*\}\s*=\s*(?:await\s+)?(?:context|ctx|event|c)\b/;

/** The rest of a line after two slashes, if they are not those of a URL, and lines inside a longer comment. */
const COMMENT = /(?<!:)\/\/.*$|^\s*\/?\*.*$/gm;

/** A warning for each file, with the first line of it, that uses `context.agent`, which the platform has and nexthop lacks. `texts`: by absolute path. */
export function findAgentUses(root: string, texts: ReadonlyMap<string, string>): readonly Problem[] {
  return [...texts].flatMap(([path, text]): readonly Problem[] => {
    const place = placeOf(text);
    if (!place) return [];
    const message = 'uses context.agent, which is undefined here: nexthop runs no agents and keeps no conversations';
    return [{ severity: 'warning', file: relative(root, path), ...place, message }];
  });
}

function placeOf(text: string): Pick<Problem, 'line' | 'column'> | undefined {
  if (!text.includes('agent')) return undefined;
  const code = text.replaceAll(COMMENT, '');
  const lines = code.split('\n');
  const index = lines.findIndex((line) => READ.test(line) || TAKEN.test(line));
  if (index >= 0) return { line: index + 1, column: (lines[index] ?? '').search(/\bagent\b/) + 1 };
  // Parameters may be spread over lines.
  const taken = TAKEN.exec(code);
  return taken ? { line: code.slice(0, taken.index).split('\n').length } : undefined;
}
