/** By this the code of a build finds who tells it when more may be written. */
export const DRAINED = Symbol.for('nexthop.drained');

/** The loop in which both majors write an answer, of which nothing but this line matters. */
const WRITE = 'destination.write(result.value);';
const PACED = `destination.write(result.value) || (await destination[Symbol.for('${DRAINED.description}')]?.());`;

/** Whether a module of a build writes answers, in a way that `keepPace` knows. */
export function writesAnswers(text: string): boolean {
  return text.includes(WRITE);
}

/**
 * Both majors write an answer without waiting for a client who reads slowly, and then hold all of it in memory: 300 MiB for a download of 300 MiB.
 * Whatever response a build is given, its loop alone can wait, so this has it ask. Without effect on a response that knows nothing of it.
 */
export function keepPace(text: string): string {
  return text.replaceAll(WRITE, PACED);
}
