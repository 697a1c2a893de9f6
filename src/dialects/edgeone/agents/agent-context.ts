import type { Exchange } from '../../../contract/exchange.ts';
import type { Params } from '../../../contract/target.ts';
import type { ConversationStore } from '../conversations/conversation-store.ts';
import type { Geo } from '../functions/geo.ts';
import { geoOf, type Platform, type ServerInfo, serverOf, uuidOf } from '../functions/platform.ts';
import type { AgentKv } from './agent-kv.ts';
import type { AgentRequest } from './agent-request.ts';
import type { StopResult } from './agent-runs.ts';
import { createAgentTools } from './agent-tools.ts';
import type { AgentTracer } from './agent-tracer.ts';

export interface AgentContextParts {
  readonly exchange: Exchange;
  readonly request: AgentRequest;
  readonly params: Params;
  readonly platform: Platform;
  readonly file: string;
  readonly conversation: string;
  readonly runId: string;
  readonly kv: AgentKv;
  readonly tracer: AgentTracer;
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
  /** Replaced by the module of AGENT_TOOLS, as `sandbox`. */
  tools: Readonly<Record<string, unknown>> = createAgentTools();
  /** There is no sandbox: code tests for it. */
  sandbox: unknown = null;
  readonly utils: { readonly abortActiveRun: (conversation: unknown) => StopResult };
  readonly tracer: AgentTracer;
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
    tracer,
    abortActiveRun,
  }: AgentContextParts) {
    this.request = request;
    this.env = { ...platform.env };
    this.conversation_id = conversation;
    this.run_id = runId;
    this.runId = runId;
    this.active_run_id = runId;
    this.utils = { abortActiveRun: (given) => abortActiveRun(typeof given === 'string' ? given : '') };
    this.store = platform.openStore(conversation, runId);
    this.kv = kv;
    this.tracer = tracer;
    this.params = { ...params };
    this.clientIp = exchange.client.address;
    this.geo = geoOf(exchange);
    this.uuid = uuidOf(exchange);
    this.server = serverOf(exchange, platform);
    this.eo = { geo: this.geo, uuid: this.uuid, clientIp: this.clientIp };
    this.waitUntil = (work) => exchange.pendingWork.add(work, file);
  }
}
