import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { PatternSegment } from '../../../contract/pattern.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import type { EdgeOneJson } from '../config/check-edgeone-json.ts';
import { findLackOfLanggraph } from '../conversations/langgraph.ts';
import { absentInAgents, findAbsentUses, findLanggraphUses } from '../functions/absent-uses.ts';
import { type FunctionFile, findFiles, type Location } from '../functions/find-files.ts';
import type { FoundFunction, FunctionKind, LoadedFile } from '../functions/function-kind.ts';
import { methodsOf, toHandlers } from '../functions/handlers.ts';
import { toPlatform } from '../functions/platform.ts';
import { type FunctionsReading, readFunctions } from '../functions/read-functions.ts';
import { toPattern, toText } from '../functions/to-pattern.ts';
import { createAgentGuard } from './agent-guard.ts';
import { AgentKv } from './agent-kv.ts';
import { AgentRuns } from './agent-runs.ts';
import { AgentTarget, type AgentTools, admit, readConversation } from './agent-target.ts';
import { openAgentTracer } from './agent-tracer.ts';
import { openToolModule } from './tool-module.ts';

const AGENTS: Location = { folders: ['agents'], extensions: new Set(['.js', '.ts', '.jsx', '.tsx', '.mjs']) };

/**
 * The agents below `agents/`. Each has a route for its path, and one that stops its conversations.
 * A guard that cannot be checked closes them all.
 */
export async function readAgents(
  project: Project,
  { agents, externalPackages }: EdgeOneJson,
): Promise<FunctionsReading> {
  if (agents.auth === 'closed') {
    const { files, ignored, problems } = await findFiles(project.root, AGENTS);
    return { routes: files.flatMap(toClosedRoute), ignored, problems };
  }
  const { log, agentTimeoutMs = 0 } = project;
  const { equip, problems } = await openToolModule(project);
  const tools: AgentTools = {
    platform: toPlatform(project),
    tracer: openAgentTracer(project.root),
    equip,
    runs: new AgentRuns(project.kv?.('edgeone/agents/runs'), log),
    guard: agents.auth && createAgentGuard(agents.auth),
    bodyLimitBytes: project.functionLimits.bodyBytes,
    timeoutMs: agents.timeoutMs ?? agentTimeoutMs,
    log,
  };
  const external = new Set([...externalPackages, ...agents.externalPackages]);
  const kind = new Agents(project, tools);
  const found = await readFunctions({ project, kind, location: AGENTS, external });
  return {
    ...found,
    problems: [...problems, ...found.problems],
    routes: [...found.routes, ...toStopRoutes(found.routes, tools)],
  };
}

class Agents implements FunctionKind {
  readonly step = 4;
  /** Before cloud functions. */
  readonly rank = -1;
  readonly #project: Project;
  readonly #tools: AgentTools;

  constructor(project: Project, tools: AgentTools) {
    this.#project = project;
    this.#tools = tools;
  }

  find({ file, exports, mayName }: LoadedFile): FoundFunction | undefined {
    const handlers = toHandlers(exports);
    if (!handlers) return undefined;
    const kv = new AgentKv(this.#project.kv?.(`edgeone/agents/kv/${file}`));
    const target = new AgentTarget({
      name: file,
      handlers,
      tools: this.#tools,
      kv,
      mayStop: mayName('abortActiveRun'),
    });
    return { kind: 'handlers', methods: methodsOf(handlers), target };
  }

  findProblems(texts: ReadonlyMap<string, string>): readonly Problem[] {
    const { root } = this.#project;
    const absent = findAbsentUses(root, texts, absentInAgents(this.#tools.equip !== undefined));
    const reason = findLackOfLanggraph(root);
    return reason === undefined ? absent : [...absent, ...findLanggraphUses(root, texts, reason)];
  }
}

function toClosedRoute({ file, segments }: FunctionFile): readonly Route[] {
  const pattern = toPattern(segments);
  if (typeof pattern === 'string') return [];
  const target = {
    name: file,
    answer(): never {
      const message = 'the guard of the agents, agents.auth, cannot be checked';
      throw new Fault('function_error', { status: 503, message });
    },
  };
  return [
    { pattern, methods: 'any', target, step: 4, rank: -1, dialect: 'edgeone', file, about: 'closed: agents.auth' },
  ];
}

/** `POST <path of an agent>/stop`, where no file has that path. */
function toStopRoutes(routes: readonly Route[], tools: AgentTools): readonly Route[] {
  const taken = new Set(routes.map(({ pattern }) => pattern.text));
  return routes.flatMap((route): readonly Route[] => {
    if (route.pattern.segments.at(-1)?.kind === 'catch-all' || taken.has(`${route.pattern.text}/stop`)) return [];
    if (route.pattern.segments.some((segment) => segment.kind === 'literal' && segment.text === 'stop')) return [];
    const segments: readonly PatternSegment[] = [...route.pattern.segments, { kind: 'literal', text: 'stop' }];
    const target = new StopTarget(route.file, tools);
    return [{ ...route, pattern: { text: toText(segments), segments }, methods: ['POST'], target, about: 'stop' }];
  });
}

/** Stops the runs of the conversation that the request names in its header. */
class StopTarget implements Target {
  readonly name: string;
  readonly #tools: AgentTools;

  constructor(name: string, tools: AgentTools) {
    this.name = name;
    this.#tools = tools;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const { guard, runs } = this.#tools;
    admit(exchange, guard);
    const conversation = readConversation(exchange);
    const { aborted, run_id } = runs.stop(conversation, '', conversation === '' ? [] : await runs.findOthers());
    const status = aborted ? 'aborting' : 'idle';
    return writeWebResponse(exchange, Response.json({ status, conversation_id: conversation, run_id }));
  }
}
