import type { JobAttempt } from '../../src/contract/job-rule.ts';
import type { Declaration, FunctionConfig } from '../../src/dialects/netlify/find/declaration.ts';

/** The first attempt at a job, with all the time in the world. */
export function jobAttempt(parts: Partial<JobAttempt> = {}): JobAttempt {
  return { id: 'job-1', number: 1, payload: new Uint8Array(), signal: new AbortController().signal, ...parts };
}

/** What the files say of a function for Netlify called `name`. */
export function declaration(name: string, config: Partial<FunctionConfig> = {}): Declaration {
  const file = `netlify/functions/${name}.js`;
  const defaults = { paths: [], excludedPaths: [], methods: 'any', preferStatic: false, background: false } as const;
  return {
    name,
    file,
    path: `/site/${file}`,
    generated: false,
    generation: 'modern',
    config: { ...defaults, ...config },
  };
}
