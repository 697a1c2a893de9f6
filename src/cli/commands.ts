import type { CommandTable } from './command.ts';

/** All commands, in the order of `nexthop --help`. */
export const COMMANDS: CommandTable = {
  start: { about: 'serve a site until SIGTERM or SIGINT', load: () => import('./start-command.ts') },
  dev: { about: 'serve a site while it is written', load: () => import('./dev.ts') },
  build: { about: 'compile its functions, for a start without compiling', load: () => import('./build.ts') },
  init: { about: 'write a small site into a new folder', load: () => import('./init.ts') },
  check: { about: 'check the site, its project and its types', load: () => import('./check.ts') },
  invoke: { about: 'run one function without a server', load: () => import('./invoke.ts') },
  vendor: { about: 'fetch modules of URLs that edge functions import', load: () => import('./vendor.ts') },
  routes: { about: 'print its routes, conflicts and ignored files', load: () => import('./routes.ts') },
  jobs: { about: 'list jobs and schedules; show, retry and drop jobs', load: () => import('./jobs.ts') },
  blobs: { about: 'list, read, write, delete and import blobs', load: () => import('./blobs.ts') },
  forms: { about: 'list, export and delete submissions of forms', load: () => import('./forms.ts') },
  conversations: { about: 'list, show and delete conversations of agents', load: () => import('./conversations.ts') },
  purge: { about: 'purge cached responses, all or by their tags', load: () => import('./purge.ts') },
  logs: { about: 'print the logs of nexthop in the order of time', load: () => import('./logs.ts') },
  reload: { about: 'read the site again in the nexthop that runs it', load: () => import('./reload.ts') },
  health: { about: 'exit 0 if the server on PORT is ready', load: () => import('./health.ts') },
  completion: { about: 'print a script for bash, zsh or fish', load: () => import('./completion.ts') },
};
