import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sample } from './measures.ts';
import type { Contestant } from './system.ts';

const RESULTS = join(import.meta.dirname, '..', 'results');

/** All samples of one measurement. */
export interface Table {
  readonly title: string;
  /** What was measured, in one line. */
  readonly about: string;
  readonly columns: readonly (keyof Sample)[];
  readonly rows: readonly { readonly contestant: Contestant; readonly samples: readonly Sample[] }[];
}

const HEADS: Readonly<Record<keyof Sample, string>> = {
  perSecond: 'jobs/s',
  cpuMicros: 'CPU µs/job',
  redisMicros: 'Redis µs/job',
  p50Ms: 'p50 ms',
  p99Ms: 'p99 ms',
  cpuMsPerMinute: 'CPU ms/min',
  redisMsPerMinute: 'Redis ms/min',
};

/** The whole run as Markdown. */
export function toMarkdown(facts: readonly string[], tables: readonly Table[]): string {
  return [
    '# Bench of background work',
    '',
    ...facts.map((fact) => `- ${fact}`),
    ...tables.flatMap(({ title, about, columns, rows }) => [
      '',
      `## ${title}`,
      '',
      about,
      '',
      `| | ${columns.map((column) => HEADS[column]).join(' | ')} | spread |`,
      `|---|${columns.map(() => '--:').join('|')}|--:|`,
      ...rows.map(({ contestant, samples }) => {
        const cells = columns.map((column) => toCell(median(samples.map((sample) => sample[column]))));
        return `| ${[contestant.name, ...cells, spread(samples, columns[0])].join(' | ')} |`;
      }),
    ]),
    '',
  ].join('\n');
}

/** Writes the text to bench/results/jobs.md. Resolves with its path. */
export async function writeJobs(markdown: string): Promise<string> {
  await mkdir(RESULTS, { recursive: true });
  const path = join(RESULTS, 'jobs.md');
  await writeFile(path, markdown);
  return path;
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).toSorted((left, right) => left - right);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

function toCell(value: number | undefined): string {
  if (value === undefined) return '';
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(value < 10 ? 2 : 1);
}

/** Highest minus lowest value of the first column, divided by the median. */
function spread(samples: readonly Sample[], column: keyof Sample | undefined): string {
  const values = samples.flatMap((sample) => (column && sample[column]) ?? []);
  const middle = median(values);
  if (!middle) return '';
  return `${Math.round(((Math.max(...values) - Math.min(...values)) / middle) * 100)} %`;
}
