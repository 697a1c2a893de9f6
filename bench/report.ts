import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { warmUpSeconds } from './measure.ts';
import type { Options } from './options.ts';
import type { Row } from './rounds.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Server } from './servers/server.ts';
import { toTable } from './table.ts';
import { judgeTargets } from './targets.ts';

const RESULTS = join(import.meta.dirname, 'results');

export interface Run {
  readonly options: Options;
  readonly rows: readonly Row[];
  readonly machine: readonly string[];
  /** Servers that were not measured, each with the command that installs it. */
  readonly missing: readonly string[];
  readonly startedAt: Date;
  readonly endedAt: Date;
}

/** The whole run as Markdown. */
export function toMarkdown({ options, rows, machine, missing, startedAt, endedAt }: Run): string {
  const { rounds, seconds, connections } = options;
  const minutes = ((endedAt.getTime() - startedAt.getTime()) / 60_000).toFixed(1);
  return [
    `# Bench of ${toDay(startedAt)}`,
    '',
    `- ${startedAt.toISOString()}, ${minutes} minutes: ${rounds} × ${seconds} s for each server and scenario, each after ${warmUpSeconds(seconds)} s of warm-up, ${connections} connections`,
    ...machine,
    `- ${listVersions(rows.map(({ server }) => server))}`,
    ...missing.map((line) => `- not measured: ${line}`),
    '- medians of the rounds; CPU is user and system time of the process tree; spread is the highest CPU minus the lowest, of the median',
    ...SCENARIOS.flatMap((scenario) => {
      const group = rows.filter((row) => row.scenario === scenario);
      return group.length === 0 ? [] : ['', `## ${scenario.title}`, '', toTable(scenario, group)];
    }),
    '',
    '## Targets',
    '',
    ...judgeTargets(rows).map((line) => `- ${line}`),
    '',
  ].join('\n');
}

/** Writes the text to the files of its day and of the latest run. Returns the paths. */
export async function writeResults(markdown: string, startedAt: Date): Promise<string[]> {
  await mkdir(RESULTS, { recursive: true });
  const paths = [`${toDay(startedAt)}.md`, 'latest.md'].map((name) => join(RESULTS, name));
  for (const path of paths) await writeFile(path, markdown);
  return paths;
}

function listVersions(servers: readonly Server[]): string {
  const versions = [...new Set(servers)].map((server) => {
    const found = server.find();
    return `${server.name} ${'version' in found ? found.version : 'missing'}`;
  });
  return versions.join(', ');
}

function toDay(date: Date): string {
  return date.toISOString().slice(0, 10);
}
