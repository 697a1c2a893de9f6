import test from 'ava';
import { COMMANDS } from '../../src/cli/commands.ts';
import { explainForeignCommand } from '../../src/cli/foreign-commands.ts';
import { runNexthop } from '../helpers/process.ts';

const SERVES = ': nexthop start serves the site, nexthop dev serves it while you write it';
const DEPLOYS =
  ': nexthop runs on your own machines; copy the site to one and call nexthop start there, or nexthop reload if it runs';
const TESTS = ': tests run with the test runner of the site, e.g. npm test; nexthop/test runs the site inside a test';

for (const [line, advice] of [
  ['serve', SERVES],
  ['preview my-site', SERVES],
  ['deploy', DEPLOYS],
  ['test', TESTS],
  ['pages', SERVES],
  ['pages dev -p 3000', '; did you mean nexthop dev -p 3000?'],
  ['pages deploy', DEPLOYS],
  ['functions:list', ': nexthop routes lists the functions and files of a site'],
  ['blobs:get', '; did you mean nexthop blobs get?'],
  ['logs:function', '; did you mean nexthop logs?'],
  ['env:set', ': functions get the variables of the process, and those of the file .env in the site'],
  ['frob:nicate', undefined],
] as const) {
  test(`"nexthop ${line}" is explained by what does the same here`, async (t) => {
    const [word = '', ...rest] = line.split(' ');

    t.is(await explainForeignCommand(word, rest, async (name) => (await COMMANDS[name]?.load())?.command), advice);
  });
}

for (const [line, advice] of [
  ['help deploy', DEPLOYS],
  // The folder in which tests run has a folder "test", which might be taken for a site.
  ['test', TESTS],
  ['frob:nicate', '; "nexthop --help" lists them'],
] as const) {
  test.serial(`nexthop ${line} is refused and says what there is instead`, async (t) => {
    const running = await runNexthop(t, { args: line.split(' ') });

    t.is(await running.exited, 2);
    t.is(running.output(), `nexthop: there is no command "${line.replace('help ', '')}"${advice}\n`);
  });
}
