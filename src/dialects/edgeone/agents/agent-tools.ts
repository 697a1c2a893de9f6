/** The tools of the platform. They run in its sandbox, which nexthop does not have. */
const PLATFORM_TOOLS: readonly string[] = [
  ...['commands', 'files_read', 'files_write', 'files_list', 'files_exists', 'files_remove', 'files_make_dir'],
  ...['browser_fetch', 'browser_screenshot', 'browser_click', 'browser_type', 'browser_evaluate'],
  ...['code_interpreter', 'web_search'],
];

/** A tool of the site's module (AGENT_TOOLS), in the form of the framework of its agents. */
export interface SiteTool {
  readonly name: string;
}

/** The result of a tool, for the model. */
interface ToolFailure {
  readonly isError: true;
  readonly error: { readonly tool: string; readonly type: string; readonly message: string };
}

/**
 * `context.tools`. Its lists have the tools of the site alone, so that an agent offers its model
 * nothing else. A tool of the platform that code calls by its name answers that it is not there.
 */
export function createAgentTools(own: readonly SiteTool[] = []): Readonly<Record<string, unknown>> {
  const of = (prefix: string) => (): readonly SiteTool[] => own.filter(({ name }) => name.startsWith(prefix));
  return {
    ...Object.fromEntries(PLATFORM_TOOLS.map((name) => [name, toAbsentTool(name)])),
    ...Object.fromEntries(own.map((tool) => [tool.name, tool])),
    all: of(''),
    files: of('files_'),
    browser: of('browser_'),
    toLangChainTools: (_factory: unknown, names?: readonly string[]) =>
      own.filter(({ name }) => names?.includes(name) ?? true),
    toCrewAITools: (_base: unknown, names?: readonly string[]) =>
      own.filter(({ name }) => names?.includes(name) ?? true),
    get: (name: unknown) => own.find((tool) => tool.name === name),
    toClaudeMcpServer: (server = 'edgeone') => ({
      name: server,
      tools: [...own],
      allowedTools: own.map(({ name }) => `mcp__${server}__${name}`),
    }),
  };
}

function toAbsentTool(tool: string): object {
  const fail = async (): Promise<ToolFailure> => ({
    isError: true,
    error: {
      tool,
      type: 'SandboxNotAvailableError',
      message: `nexthop has no sandbox, so ${tool} cannot run; AGENT_TOOLS names a module with tools of the site`,
    },
  });
  return { name: tool, execute: fail, handler: fail, invoke: fail };
}
