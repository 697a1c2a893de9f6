import type { Site } from './site.ts';

/**
 * Why a site must not take the place of one that works; undefined if it may. That some of its functions fail is no reason: the others, and the way to the
 * hop, may be what the change was about. A middleware that fails is one, since it closes all of the site.
 */
export function findReasonToKeep({ gates, routes, problems }: Site): string | undefined {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const failing = new Set(errors.map(({ file }) => file));
  const [first] = errors;
  if (!first) return undefined;
  const gate = gates.find(({ file }) => failing.has(file));
  if (gate) return `${gate.file} does not work`;
  // An error of no file is one of all functions: nothing can be compiled.
  if (failing.has('')) return first.message;
  const functions = new Set(
    routes.filter(({ step, folder }) => step !== 1 && folder === undefined).map(({ file }) => file),
  );
  if (functions.size === 0 || [...functions].some((file) => !failing.has(file))) return undefined;
  return `no function works; the first error: ${first.file} ${first.message}`;
}
