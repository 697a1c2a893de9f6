import { relative } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';

/** What code for the platform reads, and nexthop does not have. */
const ABSENT: readonly (readonly [use: RegExp, message: string])[] = [
  [
    /\b(?:context|ctx|c)(?:\?\.|\.)sandbox\b/,
    'reads context.sandbox, which is null here: nexthop has no sandbox for commands, files and code',
  ],
  [
    /\b(?:context|ctx|c)(?:\?\.|\.)tools\b/,
    'reads context.tools, whose lists are empty here: nexthop offers no commands, files, browser, code or search to models',
  ],
  [/\b(?:context|ctx|c)(?:\?\.|\.)agents\b/, 'reads context.agents, which is undefined here'],
  [
    /\bstore(?:\?\.|\.)(?:langgraphCheckpointer|langgraphStore|claudeSessionStore|claudeSessionBinding|state)\b/,
    'uses a part of the conversation store that is undefined here: nexthop has no langgraph…, claudeSession… and state',
  ],
];

/** One warning for each file and kind of use, with its first line. `texts`: by absolute path. */
export function findAbsentUses(root: string, texts: ReadonlyMap<string, string>): readonly Problem[] {
  return [...texts].flatMap(([path, text]) => {
    const lines = text.split('\n').map((line) => line.replace(COMMENT, ''));
    return ABSENT.flatMap(([use, message]): readonly Problem[] => {
      const index = lines.findIndex((line) => use.test(line));
      return index < 0 ? [] : [{ severity: 'warning', file: relative(root, path), line: index + 1, message }];
    });
  });
}

/** A line comment, unless its slashes are those of a URL, or a line of a block comment. */
const COMMENT = /(?<!:)\/\/.*$|^\s*\/?\*.*$/;
