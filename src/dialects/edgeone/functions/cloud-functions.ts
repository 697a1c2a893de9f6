import { inspect } from 'node:util';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import { FunctionLimits } from '../../../http/function-limits.ts';
import { misspeltIn } from '../misspelt-names.ts';
import { ABSENT_IN_FUNCTIONS, findAbsentUses, findLanggraphUses } from './absent-uses.ts';
import { AppTarget } from './app-target.ts';
import { EventContext } from './event-context.ts';
import type { FoundFunction, FunctionKind, LoadedFile } from './function-kind.ts';
import { HandlerTarget } from './handler-target.ts';
import { type Handlers, methodsOf, toHandlers } from './handlers.ts';
import { type Platform, toPlatform } from './platform.ts';
import { toApp } from './to-app.ts';
import { installWebSocketPair } from './websocket-pair.ts';
import { writeResult } from './write-result.ts';

/** The functions below `cloud-functions/`. Static files shadow them. */
export class CloudFunctions implements FunctionKind {
  readonly step = 4;
  readonly isCached = true;
  readonly #project: Project;
  readonly #platform: Platform;
  readonly #limits: FunctionLimits;

  constructor(project: Project) {
    this.#project = project;
    this.#platform = toPlatform(project);
    this.#limits = new FunctionLimits({ ...project.functionLimits, log: project.log });
  }

  beforeLoad(): void {
    installWebSocketPair();
  }

  find(loaded: LoadedFile): FoundFunction | undefined {
    const handlers = toHandlers(loaded.exports);
    if (handlers) {
      return { kind: 'handlers', methods: methodsOf(handlers), target: this.#toHandlerTarget(loaded, handlers) };
    }
    const app = toApp(loaded.exports);
    const parts = { name: loaded.file, platform: this.#platform, limits: this.#limits };
    return app && { kind: 'app', toTarget: (segments) => new AppTarget({ ...parts, app, segments }) };
  }

  findProblems(texts: ReadonlyMap<string, string>): readonly Problem[] {
    const { root } = this.#project;
    return [
      ...findAbsentUses(root, texts, ABSENT_IN_FUNCTIONS),
      ...findLanggraphUses(root, texts, 'which is undefined in cloud functions: agents alone have it'),
    ];
  }

  /**
   * The body is read before the call only if the code may use it: other functions must not wait for
   * an upload.
   */
  #toHandlerTarget(loaded: LoadedFile, handlers: Handlers): HandlerTarget {
    const { file } = loaded;
    const parts = { platform: this.#platform, file };
    return new HandlerTarget({
      name: file,
      handlers,
      limits: this.#limits,
      preparesBody: this.#bodyModeOf(loaded) === 'parsed' && loaded.mayName('body'),
      createContext: (call) => new EventContext({ ...call, ...parts }),
      writeResult,
    });
  }

  #bodyModeOf({ file, text, exports: { config }, report }: LoadedFile): NonNullable<Project['body']> {
    for (const problem of misspeltIn(Object.keys(Object(config)), ['body'], { file, text })) report(problem);
    const { body: standard = 'parsed' } = this.#project;
    const own = typeof config === 'object' && config !== null && 'body' in config ? config.body : standard;
    if (own === 'parsed' || own === 'stream') return own;
    const message = `config.body must be "parsed" or "stream", got ${inspect(own)}; "${standard}" is used`;
    report({ severity: 'warning', file, message });
    return standard;
  }
}
