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
export function createAgentTools(): Readonly<Record<string, unknown>> {
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
