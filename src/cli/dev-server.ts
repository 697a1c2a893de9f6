import type { Config } from '../config/config.ts';
import { SETTINGS } from '../config/settings.ts';
import type { DevServer } from '../dev/dev-page.ts';
import { toProblemReport } from '../dev/error-report.ts';
import type { SettingFact, SiteFacts } from '../dev/page-json.ts';
import type { Edge } from '../edge.ts';
import { readEnvFile } from '../site/env-file.ts';
import { explainMissing } from './routes-explain.ts';
import { spellSchedule, toListed } from './routes-listed.ts';

export interface DevServerParts {
  readonly edge: Edge;
  readonly config: Config;
  /** Absolute path of the site, without symbolic links. */
  readonly site: string;
  readonly port: number;
}

/** The running server for the live page. */
export function toDevServer({ edge, config, site, port }: DevServerParts): DevServer {
  return {
    ...{ host: config.HOST || '127.0.0.1', port, isTls: config.certificate !== undefined },
    describeSite: () => describeSite(edge, config, site),
    listCached: (most) => edge.running.cache?.list(most) ?? [],
    runNow: (rule) => edge.running.runNow(rule),
    explainMissing: (request) => explainMissing(request, { site: edge.site, nextHop: '', settings: config }),
  };
}

async function describeSite({ site }: Pick<Edge, 'site'>, config: Config, root: string): Promise<SiteFacts> {
  const { file, lines } = await readEnvFile(config.site);
  return {
    root: config.site,
    nextHop: config.sources.get('NEXT_HOP')?.text ?? '',
    routes: toListed(site.routes),
    jobs: site.jobRules.map((rule) => ({
      ...{ name: rule.name, file: rule.file },
      ...(rule.schedule && { schedule: spellSchedule(rule) }),
    })),
    problems: site.problems.map((problem) => ({ severity: problem.severity, report: toProblemReport(problem, root) })),
    settings: toSettings(config),
    variables: [...lines].map(([name, line]) => ({ name, place: `${file}:${line}` })),
  };
}

const SECRET = /(?:TOKEN|SECRET|PASSWORD)$/;

/** Those that are set come first. */
function toSettings({ sources }: Config): readonly SettingFact[] {
  const facts = Object.entries(SETTINGS).map(([name, { about }]): SettingFact => {
    const { text = '', from = 'default' } = sources.get(name) ?? {};
    const value = text !== '' && SECRET.test(name) ? '(set)' : text;
    return { name, value, from: from === 'command' ? 'nexthop dev' : from, about };
  });
  return [...facts.filter(({ from }) => from !== 'default'), ...facts.filter(({ from }) => from === 'default')];
}
