import type { Reading } from '../../../contract/dialect.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import type { EdgeOneJson } from '../config/check-edgeone-json.ts';
import { type FunctionFile, findFiles, type Location } from '../functions/find-files.ts';
import { toPattern } from '../functions/to-pattern.ts';

const AGENTS: Location = { folders: ['agents'], extensions: new Set(['.js', '.ts', '.jsx', '.tsx', '.mjs']) };

/** Routes that close the agents of a site whose guard cannot be checked. Otherwise there are none. */
export async function readAgents({ root }: Project, { closesAgents }: EdgeOneJson): Promise<Reading> {
  if (!closesAgents) return { routes: [], ignored: [], problems: [] };
  const { files, ignored, problems } = await findFiles(root, AGENTS);
  return { routes: files.flatMap(toClosedRoute), ignored, problems };
}

function toClosedRoute({ file, segments }: FunctionFile): readonly Route[] {
  const pattern = toPattern(segments);
  if (typeof pattern === 'string') return [];
  const target = {
    name: file,
    answer(): never {
      throw new Fault('function_error', {
        status: 503,
        message: 'the guard of the agents, agents.auth, cannot be checked',
      });
    },
  };
  return [
    { pattern, methods: 'any', target, step: 4, rank: -1, dialect: 'edgeone', file, about: 'closed: agents.auth' },
  ];
}
