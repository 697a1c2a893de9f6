import type { RateRule } from '../../../contract/rate-limit.ts';

/** The definition of one function, read from its files and `netlify.toml` without running it. */
export interface Declaration {
  /** The name of the file or folder, used in the default URL and in settings for the function. */
  readonly name: string;
  /** The main file, relative to the site. */
  readonly file: string;
  /** The absolute real path of the main file, as Node and esbuild identify modules. */
  readonly path: string;
  /**
   * Whether it comes from an internal folder, where frameworks generate functions. A user's
   * function of the same name takes precedence.
   */
  readonly generated: boolean;
  /** 'lambda' if it exports a `handler`, even beside a default export. */
  readonly generation: 'modern' | 'lambda';
  readonly config: FunctionConfig;
}

/**
 * The merged settings. `config` in the source overrides the sidecar JSON, which overrides
 * `netlify.toml`.
 */
export interface FunctionConfig {
  /** Each starts with "/". If empty, the function has its default URL. */
  readonly paths: readonly string[];
  readonly excludedPaths: readonly string[];
  /** In upper case. */
  readonly methods: readonly string[] | 'any';
  readonly preferStatic: boolean;
  /** `config.name`: a name for people. */
  readonly displayName?: string;
  readonly timeoutMs?: number;
  readonly background: boolean;
  /** 'wrong': the function must not be called, because the limit may protect it. */
  readonly rateLimit?: RateRule | 'wrong';
  /** As written, in one of the forms that the platform accepts. */
  readonly schedule?: string;
  /**
   * Packages that need not be installed when the function loads. A missing one fails where it is
   * used.
   */
  readonly externalPackages?: readonly string[];
}
