const { PATH, NODE_COMPILE_CACHE } = process.env;

/**
 * The environment of a process that a test starts: nothing of the developer's own environment but what is needed to find programs. With the cache of `npm test`, compiling
 * the source costs such a process a third.
 */
export const CHILD_ENV: Readonly<NodeJS.ProcessEnv> = { PATH, ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }) };
