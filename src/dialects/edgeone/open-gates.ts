import type { Target } from '../../target.ts';
import type { Project, Reading, Route } from '../dialect.ts';
import { toRedirectGate } from './redirect-gate.ts';
import { toRewriteGate } from './rewrite-gate.ts';
import type { EdgeOneJson } from './rules.ts';

/**
 * What is asked before anything of the site is looked up: the redirects of `edgeone.json`, then its rewrites and headers.
 */
export async function openGates(_project: Project, json: EdgeOneJson): Promise<Reading> {
  const gates = [toRedirectGate(json), toRewriteGate(json)];
  const routes = gates.flatMap((target) => (target ? [toRoute(target)] : []));
  return { routes, ignored: [], problems: [] };
}

function toRoute(target: Target): Route {
  const pattern = { text: '/*', segments: [{ kind: 'catch-all', name: '' }] } as const;
  return { pattern, methods: 'any', target, step: 1, dialect: 'edgeone', file: target.name };
}
