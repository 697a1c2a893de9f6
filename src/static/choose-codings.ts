/** The form in which a file is stored and sent. */
export type Coding = 'br' | 'zstd' | 'gzip' | 'identity';

/**
 * The codings of `available` that an Accept-Encoding header accepts, best first (RFC 9110 12.5.3): by q-value, and equal ones in the given order.
 * Identity is always in the list, last if the header excludes it: a file in an unwanted form is more useful than a 406,
 * which 12.1 does not require.
 */
export function chooseCodings(accept: string | undefined, available: readonly Coding[]): readonly Coding[] {
  if (accept === undefined || accept === '' || available.length === 1) return IDENTITY_ALONE;
  const weights = toWeights(accept);
  const chosen = available.filter((coding) => coding !== 'identity' && weigh(coding, weights) > 0);
  chosen.sort((left, right) => weigh(right, weights) - weigh(left, weights));
  // Unless the header names identity, it only lists what else is accepted.
  const identity = weights.get('identity') ?? 0;
  const better = chosen.filter((coding) => weigh(coding, weights) >= identity);
  return [...better, 'identity', ...chosen.filter((coding) => !better.includes(coding))];
}

const IDENTITY_ALONE: readonly Coding[] = ['identity'];

function toWeights(accept: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const element of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = element.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    // A weight that is no number counts as 0.
    weights.set(name === 'x-gzip' ? 'gzip' : name, quality >= 0 && quality <= 1 ? quality : 0);
  }
  return weights;
}

function weigh(coding: Coding, weights: ReadonlyMap<string, number>): number {
  return weights.get(coding) ?? weights.get('*') ?? 0;
}
