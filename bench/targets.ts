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

/** A bound for what one scenario costs more than another one with nexthop, in µs of CPU time a request. */
interface Surcharge {
  readonly scenario: string;
  readonly than: string;
  readonly mostMicros: number;
  readonly text: string;
}

const TARGETS: readonly Target[] = [
  atMost('get', 'floor', 0.85, 'a forwarded GET'),
  atMost('get', 'nginx', 1.6, 'a forwarded GET'),
  { ...atMost('get', 'nexthop', 1.02, 'a forwarded GET with metrics'), dearer: 'nexthop-metrics' },
  atLeast('get', 'http-proxy', 3.5, 'a forwarded GET'),
  atLeast('get', 'fast-proxy', 1.7, 'a forwarded GET'),
  atMost('download', 'floor', 1, 'a forwarded download of 1 MB'),
  atMost('upload', 'floor', 1, 'a forwarded upload of 16 KB'),
  atMost('hello', 'node-http', 0.95, 'a hello function'),
  atMost('hello-netlify', 'node-http', 1.1, 'a hello function of Netlify'),
  atMost('hello-cached', 'node-http', 0.6, 'a cached response'),
  atMost('app', 'express-app', 1.1, 'an Express app'),
  { ...atMost('astro', '@astrojs/node', 1.05, 'a hosted Astro page of 5 KB'), dearer: 'nexthop-hosted' },
  { ...atMost('astro', '@astrojs/node', 0.8, "an Astro page of 5 KB by nexthop's adapter"), dearer: 'nexthop-adapter' },
  atMost('file-1k', 'sirv', 1, 'a file of 1 KB'),
  atMost('file-5k', 'sirv', 0.9, 'a file of 5 KB'),
  atMost('file-100k', 'sirv', 1, 'a file of 100 KB'),
];

const SURCHARGES: readonly Surcharge[] = [
  {
    scenario: 'hello-limited',
    than: 'hello-netlify',
    mostMicros: 5,
    text: 'a rate limit in memory costs a function of Netlify at most 5 µs',
  },
];

function atMost(scenario: string, cheaper: string, most: number, subject: string): Target {
  return { scenario, dearer: 'nexthop', cheaper, most, text: `${subject} costs at most ${most} × ${cheaper}` };
}

function atLeast(scenario: string, dearer: string, least: number, subject: string): Target {
  return {
    scenario,
    dearer,
    cheaper: 'nexthop',
    least,
    text: `${subject} is at least ${least} × cheaper than with ${dearer}`,
  };
}

/** One line for each target: reached, missed, or not measured. */
export function judgeTargets(rows: readonly Row[]): string[] {
  const ratios = TARGETS.map((target) => {
    const { scenario, dearer, cheaper, least = 0, most = Number.POSITIVE_INFINITY, text } = target;
    const ratio = cpuOf(rows, scenario, dearer) / cpuOf(rows, scenario, cheaper);
    if (Number.isNaN(ratio)) return `not measured: ${text}`;
    const reached = ratio >= least && ratio <= most;
    return toLine(reached, `${text}: ${ratio.toFixed(2)} ×`);
  });
  const surcharges = SURCHARGES.map(({ scenario, than, mostMicros, text }) => {
    const micros = cpuOf(rows, scenario, 'nexthop') - cpuOf(rows, than, 'nexthop');
    if (Number.isNaN(micros)) return `not measured: ${text}`;
    return toLine(micros <= mostMicros, `${text}: ${micros.toFixed(1)} µs`);
  });
  return [...ratios, ...surcharges];
}

function toLine(isReached: boolean, text: string): string {
  return `${isReached ? 'reached' : '**missed**'}: ${text}`;
}

function cpuOf(rows: readonly Row[], scenario: string, server: string): number {
  const row = rows.find((each) => each.scenario.name === scenario && each.server.name === server);
  return (row && summarise(row)?.cpuMicros) ?? Number.NaN;
}
