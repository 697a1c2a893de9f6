/** What the files and `netlify.toml` say about one function, without running it. */
export interface Declaration {
  /** Of the file or folder; the one in its default URL and in rules about it. */
  readonly name: string;
  /** The main file, relative to the site. */
  readonly file: string;
  /** The same, absolute and without links, as Node and esbuild name a module. */
  readonly path: string;
  /** It comes from an internal folder, where frameworks put theirs; a user's own function of the same name wins. */
  readonly generated: boolean;
  /** 'lambda' if it exports a `handler`, even beside a default export. */
  readonly generation: 'modern' | 'lambda';
  readonly config: FunctionConfig;
}

/** `config` of the file, over that of the sidecar JSON, over `netlify.toml`. */
export interface FunctionConfig {
  /** Each starts with "/"; empty: the default URL. */
  readonly paths: readonly string[];
  readonly excludedPaths: readonly string[];
  /** In upper case. */
  readonly methods: readonly string[] | 'any';
  readonly preferStatic: boolean;
  /** `config.name`: what people call it. */
  readonly displayName?: string;
  readonly timeoutMs?: number;
  readonly background: boolean;
  /** As written; one of the forms that the platform takes. */
  readonly schedule?: string;
  /** Names of packages that are brought along elsewhere: one that is not installed fails where it is used. */
  readonly externalPackages?: readonly string[];
}
