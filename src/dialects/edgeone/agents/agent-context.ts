import type { Exchange } from '../../../contract/exchange.ts';
import type { Params } from '../../../contract/target.ts';
import type { ConversationStore } from '../conversations/conversation-store.ts';
import type { Geo } from '../functions/geo.ts';
import { geoOf, type Platform, type ServerInfo, serverOf, uuidOf } from '../functions/platform.ts';
import type { AgentKv } from './agent-kv.ts';
import type { AgentRequest } from './agent-request.ts';
import type { StopResult } from './agent-runs.ts';

export interface AgentContextParts {
  readonly exchange: Exchange;
  readonly request: AgentRequest;
  readonly params: Params;
  readonly platform: Platform;
  readonly file: string;
  readonly conversation: string;
  readonly runId: string;
  readonly kv: AgentKv;
  abortActiveRun(conversation: string): StopResult;
}

/** The argument of an agent. */
export class AgentContext {
  readonly request: AgentRequest;
  readonly env: Record<string, string>;
  readonly conversation_id: string;
  readonly run_id: string;
  readonly runId: string;
  readonly active_run_id: string;
  readonly store: ConversationStore | undefined;
  readonly tools = createAgentTools();
  /** There is no sandbox: code tests for it. */
  readonly sandbox = null;
  readonly utils: { readonly abortActiveRun: (conversation: unknown) => StopResult };
  readonly tracer = NO_TRACER;
  readonly kv: AgentKv;
  readonly eo: { readonly geo: Geo; readonly uuid: string; readonly clientIp: string };
  readonly params: Params;
  readonly clientIp: string;
  readonly geo: Geo;
  readonly uuid: string;
  readonly server: ServerInfo;
  readonly waitUntil: (work: unknown) => void;

  constructor({
    exchange,
    request,
    params,
    platform,
    file,
    conversation,
    runId,
    kv,
    abortActiveRun,
  }: AgentContextParts) {
    this.request = request;
    this.env = { ...platform.env };
    this.conversation_id = conversation;
    this.run_id = runId;
    this.runId = runId;
    this.active_run_id = runId;
    this.utils = { abortActiveRun: (given) => abortActiveRun(typeof given === 'string' ? given : '') };
    this.store = platform.openStore(runId);
    this.kv = kv;
    this.params = { ...params };
    this.clientIp = exchange.client.address;
    this.geo = geoOf(exchange);
    this.uuid = uuidOf(exchange);
    this.server = serverOf(exchange, platform);
    this.eo = { geo: this.geo, uuid: this.uuid, clientIp: this.clientIp };
    this.waitUntil = (work) => exchange.pendingWork.add(work, file);
  }
}

/** A span without effect. */
const NO_SPAN = {
  setAttribute: () => NO_SPAN,
  setAttributes: () => NO_SPAN,
  addEvent: () => NO_SPAN,
  setStatus: () => NO_SPAN,
  recordException() {},
  end() {},
} as const;

/** `context.tracer` without a collector: its functions run, and nothing is recorded. */
const NO_TRACER = {
  startSpan: (): typeof NO_SPAN => NO_SPAN,
  span<T>(_name: string, work: (span: typeof NO_SPAN) => T): T {
    return work(NO_SPAN);
  },
  event() {},
  setAttributes() {},
  recordException() {},
} as const;

/** The tools of the platform. They run in its sandbox, which nexthop does not have. */
const TOOLS: readonly string[] = [
  ...['commands', 'files_read', 'files_write', 'files_list', 'files_exists', 'files_remove', 'files_make_dir'],
  ...['browser_fetch', 'browser_screenshot', 'browser_click', 'browser_type', 'browser_evaluate'],
  ...['code_interpreter', 'web_search'],
];

/** The result of a tool, for the model. */
interface ToolFailure {
  readonly isError: true;
  readonly error: { readonly tool: string; readonly type: string; readonly message: string };
}

/**
 * `context.tools`: its lists are empty, so that an agent offers no tool to its model. A tool that
 * code calls by its name answers that it is not there.
 */
function createAgentTools(): Readonly<Record<string, unknown>> {
  const none = (): readonly unknown[] => [];
  return {
    ...Object.fromEntries(TOOLS.map((name) => [name, toTool(name)])),
    all: none,
    files: none,
    browser: none,
    toLangChainTools: none,
    toCrewAITools: none,
    get: () => undefined,
    toClaudeMcpServer: (name = 'edgeone') => ({ name, tools: [], allowedTools: [] }),
  };
}

function toTool(tool: string): object {
  const fail = async (): Promise<ToolFailure> => ({
    isError: true,
    error: { tool, type: 'SandboxNotAvailableError', message: `nexthop has no sandbox, so ${tool} cannot run` },
  });
  return { name: tool, execute: fail, handler: fail, invoke: fail };
}
