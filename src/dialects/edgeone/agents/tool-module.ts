import { realpath, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { inspect } from 'node:util';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Exports } from '../../loader/compile.ts';
import { loadFunctions } from '../../loader/load-functions.ts';
import type { AgentContext } from './agent-context.ts';
import { createAgentTools, type SiteTool } from './agent-tools.ts';

/** Sets the tools and the sandbox of the site in the context of a run. */
export type Equip = (context: AgentContext) => Promise<void>;

export interface ToolModule {
  /** Undefined: the setting AGENT_TOOLS is not set. Rejects if the module does not load or is not right. */
  readonly equip: Equip | undefined;
  readonly problems: readonly Problem[];
}

/** Loads the module that AGENT_TOOLS names. One that does not load makes the agents fail, and is reported. */
export async function openToolModule(project: Project): Promise<ToolModule> {
  const { agentTools: given = '', root } = project;
  if (given === '') return { equip: undefined, problems: [] };
  const path = await realpath(join(root, given)).catch(() => join(root, given));
  const file = relative(root, path);
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile || file.startsWith('..')) {
    const message = `AGENT_TOOLS must be a module of the site, got ${JSON.stringify(given)}; agents answer 500`;
    return failing(new Error(message), [{ severity: 'error', file: 'environment', message }]);
  }
  const { loaded, problems } = await loadFunctions(project, { files: [{ path, file }] });
  const outcome = loaded[0]?.outcome;
  if (outcome?.state === 'ready') {
    const equip = toEquip(file, outcome.exports);
    if (typeof equip === 'function') return { equip, problems };
    return failing(new Error(`${file} ${equip}`), [...problems, { severity: 'error', file, message: equip }]);
  }
  if (outcome?.state === 'late') {
    const equip: Equip = async (context) => {
      const found = toEquip(file, await outcome.later);
      if (typeof found === 'string') throw new Error(`${file} ${found}`);
      await found(context);
    };
    return { equip, problems };
  }
  return failing(outcome?.state === 'failed' ? outcome.cause : undefined, problems);
}

function failing(cause: unknown, problems: readonly Problem[]): ToolModule {
  return { equip: () => Promise.reject(cause), problems };
}

/** Or what is wrong with the module. */
function toEquip(file: string, { default: create }: Exports): Equip | string {
  if (typeof create !== 'function') return 'must export a function (context) => ({ tools, sandbox }) as its default';
  return async (context) => {
    const given: unknown = await create(context);
    const { tools, sandbox } = Object(given) as { readonly tools?: unknown; readonly sandbox?: unknown };
    if (typeof given !== 'object' || !isFitting(tools)) {
      throw new TypeError(`${file} must return { tools, sandbox }, with a list of named tools, got ${inspect(given)}`);
    }
    if (tools !== undefined) context.tools = isToolList(tools) ? createAgentTools(tools) : Object(tools);
    if (sandbox !== undefined) context.sandbox = sandbox;
  };
}

function isToolList(tools: unknown): tools is readonly SiteTool[] {
  return Array.isArray(tools) && tools.every((tool) => typeof Object(tool).name === 'string');
}

/** Undefined, a list of tools, or an object that stands for `context.tools` itself. */
function isFitting(tools: unknown): boolean {
  if (Array.isArray(tools)) return isToolList(tools);
  return tools === undefined || (typeof tools === 'object' && typeof Object(tools).all === 'function');
}
