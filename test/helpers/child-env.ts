const { PATH, NODE_COMPILE_CACHE } = process.env;

/**
 * The environment of a process that a test starts: of the developer's environment, only the variables that find programs. With the compile cache of `npm test`,
 * loading the source takes a third of the time. One process instead of three: tests of workers set WORKERS themselves.
 */
export const CHILD_ENV: Readonly<NodeJS.ProcessEnv> = {
  PATH,
  WORKERS: '0',
  ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }),
};
