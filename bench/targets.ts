import type { Row } from './rounds.ts';
import { summarise } from './summary.ts';

/** A bound for the CPU time of a request with one server, divided by that with another one. */
interface Target {
  readonly scenario: string;
  readonly dearer: string;
  readonly cheaper: string;
  readonly least?: number;
  readonly most?: number;
  readonly text: string;
}

const TARGETS: readonly Target[] = [
  {
    scenario: 'get',
    dearer: 'nexthop',
    cheaper: 'floor',
    most: 1.3,
    text: 'forwarded GET costs at most 1.3 × the floor',
  },
  {
    scenario: 'get',
    dearer: 'http-proxy',
    cheaper: 'nexthop',
    least: 2.5,
    text: 'forwarded GET is at least 2.5 × cheaper than with http-proxy',
  },
  {
    scenario: 'hello',
    dearer: 'nexthop',
    cheaper: 'node-http',
    most: 1.6,
    text: 'a hello function costs at most 1.6 × bare node:http',
  },
  {
    scenario: 'app',
    dearer: 'nexthop',
    cheaper: 'express-app',
    most: 1.1,
    text: 'an Express app costs at most 1.1 × the same app alone',
  },
  {
    scenario: 'file-1k',
    dearer: 'nexthop',
    cheaper: 'sirv',
    most: 1,
    text: 'a small file costs no more than with sirv, its access line included',
  },
  {
    scenario: 'file-100k',
    dearer: 'nexthop',
    cheaper: 'sirv',
    most: 1,
    text: 'a file of 100 KB costs no more than with sirv, its access line included',
  },
];

/** One line for each target: reached, missed, or not measured. */
export function judgeTargets(rows: readonly Row[]): string[] {
  return TARGETS.map((target) => {
    const { scenario, dearer, cheaper, least = 0, most = Number.POSITIVE_INFINITY, text } = target;
    const ratio = cpuOf(rows, scenario, dearer) / cpuOf(rows, scenario, cheaper);
    if (Number.isNaN(ratio)) return `not measured: ${text}`;
    const reached = ratio >= least && ratio <= most;
    return `${reached ? 'reached' : '**missed**'}: ${text}: ${ratio.toFixed(2)} ×`;
  });
}

function cpuOf(rows: readonly Row[], scenario: string, server: string): number {
  const row = rows.find((each) => each.scenario.name === scenario && each.server.name === server);
  return (row && summarise(row)?.cpuMicros) ?? Number.NaN;
}
