import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { MatchablePath } from '../../../contract/path.ts';
import type { PatternSegment } from '../../../contract/pattern.ts';
import type { Project } from '../../../contract/project.ts';
import { type Answer, createParams, type Params, type Target } from '../../../contract/target.ts';
import { FunctionLimits } from '../../../http/function-limits.ts';
import { isWebResponse } from '../../../http/web-response.ts';
import type { FileLooks, FoundFunction, FunctionKind, LoadedFile } from '../functions/function-kind.ts';
import { HandlerTarget } from '../functions/handler-target.ts';
import { type Handlers, methodsOf, toHandlers } from '../functions/handlers.ts';
import { type Platform, toPlatform } from '../functions/platform.ts';
import { EdgeContext } from './edge-context.ts';
import { EdgeRun } from './edge-run.ts';
import { closeLostHandlers, noteCalled } from './lost-handlers.ts';

/** Edge functions: they shadow the files of the site and its cloud functions. */
export class EdgeFunctions implements FunctionKind {
  readonly step = 2;
  readonly mayProtect = true;
  readonly #project: Project;
  readonly #platform: Platform;
  readonly #limits: FunctionLimits;

  constructor(project: Project) {
    this.#project = project;
    this.#platform = toPlatform(project);
    this.#limits = new FunctionLimits({ ...project.functionLimits, log: project.log });
  }

  findLost(files: FileLooks): ReturnType<typeof closeLostHandlers> {
    return closeLostHandlers(this.#project, files);
  }

  find(loaded: LoadedFile): FoundFunction | undefined {
    const found = this.#find(loaded);
    if (found) noteCalled(this.#project, loaded.file);
    return found;
  }

  #find({ file, exports, report }: LoadedFile): FoundFunction | undefined {
    const found = toHandlers(exports);
    if (found) {
      if (found.any && found.byMethod.size > 0) {
        const methods = [...found.byMethod.keys()].join(', ');
        const message = `never calls its handlers of ${methods}: in edge functions onRequest comes first`;
        report({ severity: 'warning', file, message });
      }
      const handlers = anyFirst(found);
      return { kind: 'handlers', methods: methodsOf(handlers), target: this.#toTarget(file, handlers) };
    }
    const app = [exports.default, exports.app].find(isFetchApp);
    return app && { kind: 'app', toTarget: () => this.#toTarget(file, toHandler(app)) };
  }

  /** As in the path, not decoded. A catch-all of one segment is a text and no list. */
  toParams(segments: readonly PatternSegment[], { rawSegments }: MatchablePath): Params {
    const params = createParams<string | readonly string[]>();
    for (const [index, segment] of segments.entries()) {
      if (segment.kind === 'param') params[segment.name] = rawSegments[index] ?? '';
      if (segment.kind !== 'catch-all') continue;
      const rest = rawSegments.slice(index);
      params[segment.name] = rest.length === 1 ? (rest[0] ?? '') : rest;
    }
    return params;
  }

  #toTarget(file: string, handlers: Handlers): Target {
    return new EdgeTarget({
      name: file,
      handlers,
      limits: this.#limits,
      preparesBody: false,
      createContext: (call) => {
        return new EdgeContext({ ...call, platform: this.#platform, file, run: new EdgeRun(call.exchange) });
      },
      writeResult: writeResponse,
    });
  }
}

/** Passes a request that an edge function has sent on. */
class EdgeTarget extends HandlerTarget {
  override answer(exchange: Exchange, params: Params): Answer {
    return EdgeRun.isOver(exchange) ? 'passed' : super.answer(exchange, params);
  }
}

/** Unlike in a cloud function, `onRequest` takes precedence over the handlers of methods. */
function anyFirst({ any, byMethod }: Handlers): Handlers {
  return { any, byMethod: any ? new Map() : byMethod };
}

/** An app such as Hono's. */
interface FetchApp {
  fetch(request: EdgeContext['request'], env: unknown, context: { waitUntil: EdgeContext['waitUntil'] }): unknown;
}

function isFetchApp(value: unknown): value is FetchApp {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && 'fetch' in value && typeof value.fetch === 'function';
}

/** The app gets the whole path, with the path of its folder. */
function toHandler(app: FetchApp): Handlers {
  const any = (context: unknown): unknown => {
    const { request, env, waitUntil } = context as EdgeContext; // `createContext` made it
    return app.fetch(request, env, { waitUntil });
  };
  return { any, byMethod: new Map() };
}

function writeResponse(exchange: Exchange, result: unknown): Answer {
  if (isWebResponse(result)) return EdgeRun.write(exchange, result);
  const message = `returned a value of type ${result === null ? 'null' : typeof result} instead of a Response`;
  throw new Fault('function_bad_answer', { message });
}
