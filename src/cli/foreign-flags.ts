import type { FlagTable } from './command.ts';

/** Flags of other command lines (Vite, wrangler, netlify, curl, tail), and the flag of nexthop that does the same. */
const SAME: readonly (readonly [names: string, flag: string])[] = [
  ['cwd dir root directory C d', 'site'],
  ['ip hostname address bind H', 'host'],
  ['target-port targetPort upstream proxy origin', 'next-hop'],
  ['persist-to persist', 'data-dir'],
  ['tail F', 'follow'],
  ['lines last', 'limit'],
  ['function', 'route'],
  ['o', 'open'],
  ['y', 'yes'],
  ['t', 'template'],
  ['body', 'data'],
  ['format output', 'json'],
];

/** Those for which nexthop has no flag, and what there is. */
const MEANINGS: readonly (readonly [names: string, meaning: string])[] = [
  ['https local-protocol', 'a certificate makes it https:, with --server-cert-path and --server-key-path'],
  ['config c', 'settings are variables or flags, there is no file of them; "nexthop help settings" lists them'],
  ['env env-file var e', 'functions get the variables of the process, and those of the file .env in the site'],
  ['strict-port strictPort', 'a port that --port names is never replaced by another one'],
  ['inspect inspect-brk inspector-port', 'NODE_OPTIONS=--inspect nexthop dev opens the inspector'],
  ['local remote offline live', 'nexthop runs the site on this machine, without a platform'],
  ['test-scheduled', 'nexthop invoke --schedule=NAME runs a scheduled function now'],
  ['prod production mode', 'nexthop start serves a site for production, nexthop dev for its author'],
];

/** Those that make another program watch files. */
const WATCHES: ReadonlySet<string> = new Set(['watch', 'w', 'hot']);

/**
 * What an unknown flag means elsewhere, and what does the same here, as the end of a message.
 * `name`: without dashes. `table`: the flags of the command. Undefined for an unknown word.
 */
export function explainForeignFlag(name: string, command: string, table: FlagTable): string | undefined {
  const isNamed = ([names]: readonly [string, string]): boolean => names.split(' ').includes(name);
  const [, same = ''] = SAME.find((entry) => isNamed(entry) && Object.hasOwn(table, entry[1])) ?? [];
  if (same !== '') return `; did you mean --${same}?`;
  const [, meaning] = MEANINGS.find(isNamed) ?? [];
  if (meaning !== undefined) return `: ${meaning}`;
  if (!WATCHES.has(name)) return undefined;
  return command === 'dev'
    ? ': nexthop dev always watches the files of the site'
    : ': nexthop dev uses saved files at once; nexthop reload makes a running server read the site again';
}
