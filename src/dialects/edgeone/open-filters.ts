import type { Reading } from '../../contract/dialect.ts';
import type { Project } from '../../contract/project.ts';
import type { Route } from '../../contract/route.ts';
import type { Target } from '../../contract/target.ts';
import type { EdgeOneJson } from './config/check-edgeone-json.ts';
import { toRedirectFilter } from './config/redirect-filter.ts';
import { toRewriteFilter } from './config/rewrite-filter.ts';
import { openMiddleware } from './middleware/open-middleware.ts';

/**
 * What is asked before anything of the site is looked up: the redirects of `edgeone.json`; its middleware, which sees what the client asked for;
 * then the headers and rewrites of `edgeone.json`, for whatever the middleware made of the request.
 */
export async function openFilters(project: Project, json: EdgeOneJson): Promise<Reading> {
  const middleware = await openMiddleware(project);
  const filters = [
    { target: toRedirectFilter(json), text: 'redirects' },
    { target: middleware.filter, text: 'middleware' },
    { target: toRewriteFilter(json), text: 'headers, rewrites' },
  ];
  const routes = filters.flatMap(({ target, text }) => (target ? [toRoute(target, text)] : []));
  return { ...middleware, routes };
}

/** The shape of the pattern says that it is asked about every path; its text says what it is. */
function toRoute(target: Target, text: string): Route {
  const pattern = { text, segments: [{ kind: 'catch-all', name: '' }] } as const;
  return { pattern, methods: 'any', target, step: 1, dialect: 'edgeone', file: target.name };
}
