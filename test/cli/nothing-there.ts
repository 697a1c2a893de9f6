import test from 'ava';
import { runNexthop } from '../helpers/process.ts';
import { refusingPort } from '../helpers/refusing-port.ts';
import { siteFolder } from '../helpers/site-folder.ts';

for (const [args, code, said] of [
  [['vendor'], 0, /^the site has no edge functions, so there is nothing to fetch\n$/],
  [['vendor', '--json'], 0, /^\{\n {2}"stored": \[\],\n {2}"mistakes": \[\]\n\}\n$/],
  [['jobs', 'schedules'], 0, /^the site has no schedules\n$/],
  [['blobs'], 1, /^nexthop: there is no store in .*: nothing has been stored there yet; .* --site=PATH/],
  [['reload'], 1, /^nexthop: no nexthop runs with DATA_DIR .*: start one/],
  [['routes'], 0, /\nno routes: every request goes to the next hop\n\nlooked for\n/],
  [['health'], 1, /^not ready: no server listens on PORT \d+ \(connect ECONNREFUSED .*\)\n$/],
] as const) {
  test(`nexthop ${args.join(' ')} says what it does not find, in a folder without files`, async (t) => {
    const site = args[0] === 'health' ? [] : [`--site=${await siteFolder(t)}`];
    const running = await runNexthop(t, { args: [...args, ...site], env: { PORT: String(await refusingPort(t)) } });

    t.is(await running.exited, code);
    t.regex(running.output(), said);
  });
}
