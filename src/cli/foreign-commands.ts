import type { Command } from './command.ts';

/** Words of other command lines (Vite, wrangler, netlify, edgeone, Next, pm2), and what does the same here. */
const MEANINGS: readonly (readonly [words: string, meaning: string])[] = [
  ['serve preview up', 'nexthop start serves the site, nexthop dev serves it while you write it'],
  ['watch develop', 'nexthop dev serves the site and uses each saved file at once'],
  ['run', 'nexthop start serves the site, nexthop invoke runs one function, npm run runs a script of package.json'],
  ['call exec fetch curl functions:invoke', 'nexthop invoke /PATH runs one function'],
  ['test tests', 'tests run with the test runner of the site, e.g. npm test; nexthop/test runs the site inside a test'],
  [
    'deploy publish release rollback versions deployments',
    'nexthop runs on your own machines; copy the site to one and call nexthop start there, or nexthop reload if it runs',
  ],
  [
    'login logout whoami link unlink switch sites projects',
    'nexthop has no accounts; nexthop dev and nexthop start run the site on this machine',
  ],
  ['tail', 'nexthop logs --follow prints new lines until Ctrl-C'],
  ['env secret secrets vars', 'functions get the variables of the process, and those of the file .env in the site'],
  ['settings config', 'nexthop help settings lists the settings'],
  ['new create generate scaffold functions:create', 'nexthop init writes a small site into a new folder'],
  ['lint validate doctor typecheck', 'nexthop check reports the mistakes of a site'],
  ['bundle compile functions:build', 'nexthop build compiles the functions of a site'],
  ['list ls functions info', 'nexthop routes lists the functions and files of a site'],
  [
    'cron crons schedule schedules trigger triggers',
    'nexthop jobs schedules lists the schedules of a site, nexthop invoke --schedule=NAME runs one',
  ],
  ['queue queues', 'nexthop jobs lists the jobs of a site'],
  ['cache invalidate', 'nexthop purge removes responses from the cache'],
  ['status ping ready healthcheck', 'nexthop health says whether the server on PORT is ready'],
  [
    'stop restart kill quit down',
    'Ctrl-C or SIGTERM ends nexthop after its requests; nexthop reload reads the site again without an end',
  ],
  ['open', 'nexthop dev --open opens the site in the browser'],
  [
    'kv r2 d1 db database',
    'functions read and write their data; nexthop blobs, forms and conversations list some of it',
  ],
  ['types', 'types of functions come with the package, e.g. nexthop/edgeone; nexthop check reports errors of types'],
  ['version', 'nexthop --version prints the version'],
];

/**
 * What a word of another command line means here, as the end of a message. `rest`: the arguments
 * after it. `load`: finds a command of nexthop. Undefined for an unknown word.
 */
export async function explainForeignCommand(
  word: string,
  rest: readonly string[],
  load: (name: string) => Promise<Command | undefined>,
): Promise<string | undefined> {
  // The groups of `wrangler pages dev` and `edgeone pages dev`.
  if (word === 'pages') {
    const [next = 'serve', ...others] = rest;
    return (await load(next)) ? `; did you mean nexthop ${rest.join(' ')}?` : explainForeignCommand(next, others, load);
  }
  const own = findMeaning(word);
  if (own !== undefined) return `: ${own}`;
  // `netlify blobs:list`, `netlify logs:function`
  const [group = '', verb] = word.split(':');
  if (verb === undefined) return undefined;
  const command = await load(group);
  if (!command) return explainForeignCommand(group, [verb, ...rest], load);
  const isVerb = command.forms.some((form) => form.split(/[\s[\]]+/)[1] === verb);
  return `; did you mean nexthop ${isVerb ? `${group} ${verb}` : group}?`;
}

function findMeaning(word: string): string | undefined {
  return MEANINGS.find(([words]) => words.split(' ').includes(word.toLowerCase()))?.[1];
}
