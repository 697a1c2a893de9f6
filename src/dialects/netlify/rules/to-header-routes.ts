import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import type { Target } from '../../../contract/target.ts';
import { BASIC_AUTH, type HeaderRule } from '../config/header-rule.ts';
import { BasicAuthFilter } from './basic-auth-filter.ts';
import { HeaderFilter } from './header-filter.ts';

export interface HeaderParts {
  /** In order: later ones replace. */
  readonly rules: readonly HeaderRule[];
  readonly functions: readonly Route[];
  readonly project: Pick<Project, 'createRouter'>;
}

export interface HeaderRoutes {
  readonly routes: readonly Route[];
  readonly problems: readonly Problem[];
}

/** The filters of the header rules: one for passwords, before all others, and one for headers of files. */
export function toHeaderRoutes({ rules, functions, project }: HeaderParts): HeaderRoutes {
  const guards = rules.filter(({ values }) => values.has(BASIC_AUTH));
  const headers = rules.filter(({ values }) => values.size > (values.has(BASIC_AUTH) ? 1 : 0));
  const router = project.createRouter(functions);
  const problems = headers.flatMap(({ path, file, line }): readonly Problem[] => {
    const [found] = path.includes('*') ? [] : router.find('GET', path);
    const answers = found ? `${found.route.file} answers it` : OF_FUNCTIONS.test(path) ? 'functions answer it' : '';
    if (answers === '') return [];
    const message = `the headers for ${path} are not set: ${answers}, and header rules are for files`;
    return [{ severity: 'warning', file, ...(line !== undefined && { line }), message }];
  });
  const routes = [
    ...(guards.length > 0 ? [toGuard(guards)] : []),
    ...(headers.length > 0 ? [toFilter('headers', new HeaderFilter(headers), 1)] : []),
  ];
  return { routes, problems };
}

function toGuard(rules: readonly HeaderRule[]): Route {
  const route = toFilter('Basic-Auth', new BasicAuthFilter(rules), -1);
  return { ...route, guards: { kind: 'Basic-Auth', names: rules.map(({ path }) => path) } };
}

/** No file has such a path. */
const OF_FUNCTIONS = /^\/\.netlify\/(?:functions|builders)(?:\/|$)/;

/** A route that is called for every path, as its pattern shows. Its text is a description. */
function toFilter(text: string, target: Target, rank: number): Route {
  const pattern = { text, segments: [{ kind: 'catch-all', name: '', orNone: true }] } as const;
  return { pattern, methods: 'any', target, step: 1, rank, dialect: 'netlify', file: target.name };
}
