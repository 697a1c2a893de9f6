/** Member of a response: returns a promise that resolves when the build may write more. */
export const DRAINED = Symbol.for('nexthop.drained');

/** Member of a response: takes the body stream before the build reads it. */
export const BODY = Symbol.for('nexthop.body');

/**
 * The line by which @astrojs/node, in every supported major version, writes a chunk of a response.
 */
const WRITE = 'destination.write(result.value);';
const PACED = `destination.write(result.value) || (await destination[Symbol.for('${DRAINED.description}')]?.());`;

/** The code in front of that loop. `body` is that of a Response, which may come from `fetch`. */
const READ = /(const reader = )(body\.getReader\(\);\s*destination\.on\(["']close["'])/g;
const SHOWN = `destination[Symbol.for('${BODY.description}')]?.(body);`;

/** Whether a module of a build writes responses in the form that `keepPace` can change. */
export function writesAnswers(text: string): boolean {
  return text.includes(WRITE);
}

/**
 * Changes the write loop of a build so that it waits for a slow client, by `DRAINED`, and shows the
 * body before it reads it, by `BODY`. Unchanged, @astrojs/node ignores what `write()` returns and
 * buffers the whole response: 300 MiB for a download of 300 MiB. The changed loop also works with a
 * response that has neither member.
 */
export function keepPace(text: string): string {
  return text.includes(WRITE) ? text.replaceAll(WRITE, PACED).replace(READ, `${SHOWN} $1$2`) : text;
}
