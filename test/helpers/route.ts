import type { PatternSegment } from '../../src/contract/pattern.ts';
import type { Route } from '../../src/contract/route.ts';

/** A route for a pattern such as `/api/:id` or `/files/*rest`. By default its target passes. */
export function route(text: string, parts: Partial<Route> = {}): Route {
  const file = `${text === '/' ? '/index' : text}.js`.slice(1);
  return {
    pattern: { text, segments: text.split('/').filter(Boolean).map(toSegment) },
    methods: 'any',
    target: { name: file, answer: () => 'passed' },
    step: 4,
    dialect: 'test',
    file,
    ...parts,
  };
}

function toSegment(text: string): PatternSegment {
  if (text.startsWith(':')) return { kind: 'param', name: text.slice(1) };
  if (text.startsWith('*')) return { kind: 'catch-all', name: text.slice(1) };
  return { kind: 'literal', text };
}
