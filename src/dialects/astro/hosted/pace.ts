/** By this the code of a build finds who tells it when more may be written. */
export const DRAINED = Symbol.for('nexthop.drained');

/** By this the code of a build finds who wants to see the body of an answer before it is written. */
export const BODY = Symbol.for('nexthop.body');

/** The loop in which both majors write an answer, of which nothing but this line matters. */
const WRITE = 'destination.write(result.value);';
const PACED = `destination.write(result.value) || (await destination[Symbol.for('${DRAINED.description}')]?.());`;

/** What comes before that loop; the body is that of a Response, perhaps one that `fetch` gave. */
const READ = /(const reader = )(body\.getReader\(\);\s*destination\.on\(["']close["'])/g;
const SHOWN = `destination[Symbol.for('${BODY.description}')]?.(body);`;

/** Whether a module of a build writes answers, in a way that `keepPace` knows. */
export function writesAnswers(text: string): boolean {
  return text.includes(WRITE);
}

/**
 * Both majors write an answer without waiting for a client who reads slowly, and then hold all of it in memory: 300 MiB for a download of 300 MiB.
 * Whatever response a build is given, its loop alone can wait, so this has it ask. It also has it show the body. Without effect on a response that knows nothing of it.
 */
export function keepPace(text: string): string {
  return text.includes(WRITE) ? text.replaceAll(WRITE, PACED).replace(READ, `${SHOWN} $1$2`) : text;
}
