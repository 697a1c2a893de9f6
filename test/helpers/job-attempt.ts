import type { JobAttempt } from '../../src/contract/job-rule.ts';
import type { Declaration, FunctionConfig } from '../../src/dialects/netlify/find/declaration.ts';

/** The first attempt of a job, without a time limit. */
export function jobAttempt(parts: Partial<JobAttempt> = {}): JobAttempt {
  return { id: 'job-1', number: 1, payload: new Uint8Array(), signal: new AbortController().signal, ...parts };
}

/** The declaration of a Netlify function with this name. */
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
