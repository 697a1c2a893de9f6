import type { Target } from '../../target.ts';
import type { Project, Reading, Route } from '../dialect.ts';
import { openMiddleware } from './open-middleware.ts';
import { toRedirectGate } from './redirect-gate.ts';
import { toRewriteGate } from './rewrite-gate.ts';
import type { EdgeOneJson } from './rules.ts';

/**
 * What is asked before anything of the site is looked up: the redirects of `edgeone.json`; its middleware, which sees what the client asked for;
 * then the headers and rewrites of `edgeone.json`, for whatever the middleware made of the request.
 */
export async function openGates(project: Project, json: EdgeOneJson): Promise<Reading> {
  const middleware = await openMiddleware(project);
  const gates = [toRedirectGate(json), middleware.gate, toRewriteGate(json)];
  return { ...middleware, routes: gates.flatMap((target) => (target ? [toRoute(target)] : [])) };
}

function toRoute(target: Target): Route {
  const pattern = { text: '/*', segments: [{ kind: 'catch-all', name: '' }] } as const;
  return { pattern, methods: 'any', target, step: 1, dialect: 'edgeone', file: target.name };
}
