import type { Row } from './rounds.ts';
import type { Scenario } from './scenarios.ts';
import { summarise } from './summary.ts';

const MEGABYTE = 1024 * 1024;

/** The rows of one scenario as a Markdown table. */
export function toTable(scenario: Scenario, rows: readonly Row[]): string {
  const yardstick = rows.find(({ server }) => server.name === scenario.yardstick);
  const unit = (yardstick && summarise(yardstick)?.cpuMicros) ?? Number.NaN;
  return [
    `| server | log | req/s | CPU µs/req | × ${scenario.yardstick} | spread | p99 ms | peak MB |`,
    '|---|---|--:|--:|--:|--:|--:|--:|',
    ...rows.map((row) => toLine(row, unit)),
  ].join('\n');
}

function toLine(row: Row, unit: number): string {
  const { server, failures } = row;
  const summary = summarise(row);
  const log = server.logs ? 'yes' : 'no';
  if (!summary) return `| ${server.name} | ${log} | **FAILED** ${toCell(failures.join('; '))} | | | | | |`;
  const { requestsPerSecond, cpuMicros, spread, p99Ms, peakBytes } = summary;
  const cells = [
    Math.round(requestsPerSecond).toLocaleString('en'),
    cpuMicros.toFixed(cpuMicros < 100 ? 1 : 0),
    Number.isNaN(unit) ? '' : (cpuMicros / unit).toFixed(2),
    `${Math.round(spread * 100)} %`,
    p99Ms.toFixed(1),
    (peakBytes / MEGABYTE).toFixed(0),
  ];
  return `| ${server.name} | ${log} | ${cells.join(' | ')} |`;
}

function toCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}
