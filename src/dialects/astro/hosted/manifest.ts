/** The part of Astro's own manifest, a JSON object in the code of a build, that a host needs. */
export interface Manifest {
  /**
   * The path below which the site is reached, without a slash at its end; '' for the whole host.
   */
  readonly base: string;
  readonly trailingSlash: 'always' | 'never' | 'ignore';
  readonly buildFormat: 'directory' | 'file' | 'preserve';
  /**
   * Name of the folder whose files never change. Undefined before Astro 6, where the entry exports
   * it.
   */
  readonly assetsDir: string | undefined;
  /** Undefined before Astro 5.1, where the entry has them. */
  readonly folders: BuildFolders | undefined;
  /** In the order in which Astro tries them. */
  readonly routes: readonly ManifestRoute[];
  /**
   * True if Astro chooses the language by the host: a path alone does not decide which route
   * answers.
   */
  readonly hasDomains: boolean;
  /** Bytes. Undefined before Astro 5.18, which checks no limit. */
  readonly actionBodyLimit: number | undefined;
  /** Bytes. */
  readonly islandBodyLimit: number;
}

/** The two folders of a build on the machine that made it, as file URLs. */
export interface BuildFolders {
  readonly client: string;
  readonly server: string;
}

export interface ManifestRoute {
  /** As Astro writes it: `/users/[id]`. */
  readonly route: string;
  readonly type: string;
  /** Matches paths without the base. */
  readonly pattern: RegExp;
  readonly segments: readonly (readonly SegmentPart[])[];
  readonly isPrerendered: boolean;
  /** Routes of languages that have no separate page and show this one. */
  readonly fallbackRoutes: readonly ManifestRoute[];
}

export interface SegmentPart {
  readonly content: string;
  readonly dynamic: boolean;
  readonly spread: boolean;
}

/**
 * Finds the manifest in the code of every version since 4: it follows the call that reads it, with
 * one or two parentheses, or it is recognized by its first key where a minifier renamed the call.
 * The manifest is always plain JSON, because Astro inserts it after the bundler ran.
 */
const BEGIN = /\bdeserializeManifest\([\s(]*(?=\{)|(?=\{"(?:hrefRoot|rootDir)":"file:)/;

/** Bytes: Astro's default for server islands. */
const BODY_LIMIT = 1024 ** 2;

/**
 * Parses the manifest in the text of a module, without running any of it; undefined if there is
 * none. Throws an Error with the reason when its form is unknown.
 */
export function parseManifest(text: string): Manifest | undefined {
  const start = manifestStart(text);
  if (start === undefined) return undefined;
  const json = objectAt(text, start);
  if (json === undefined) throw new Error('its closing brace is missing');
  return toManifest(parseJson(json));
}

/**
 * The index at which the JSON of the manifest begins in the text of a module; undefined if there is
 * none.
 */
export function manifestStart(text: string): number | undefined {
  const found = BEGIN.exec(text);
  return found ? found.index + found[0].length : undefined;
}

function parseJson(json: string): Raw {
  try {
    return JSON.parse(json) as Raw; // it begins with a brace
  } catch (cause) {
    throw new Error('it is not valid JSON', { cause });
  }
}

/** The text from an opening brace to the brace that closes it. */
function objectAt(text: string, start: number): string | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const sign = text[at];
    if (sign === '"') at = stringEnd(text, at);
    else if (sign === '{') depth++;
    else if (sign === '}' && --depth === 0) return text.slice(start, at + 1);
  }
  return undefined;
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

type Raw = Readonly<Record<string, unknown>>;

function toManifest(raw: Raw): Manifest {
  const { assetsDir, routes, i18n } = raw;
  if (!Array.isArray(routes)) throw new TypeError(`"routes" must be a list, got ${typeof routes}`);
  const slash = oneOf(raw, 'trailingSlash', ['always', 'never', 'ignore']);
  const found = routes.map((route: Raw) => toRoute(route.routeData as Raw));
  return {
    base: `/${requireText(raw, 'base')}`.replace(/\/+/g, '/').replace(/\/$/, ''),
    trailingSlash: slash,
    buildFormat: oneOf(raw, 'buildFormat', ['directory', 'file', 'preserve']),
    assetsDir: typeof assetsDir === 'string' ? assetsDir : undefined,
    folders: toFolders(raw),
    routes: hasIslands(raw) && !found.some(isIslands) ? [toIslands(slash), ...found] : found,
    hasDomains: Object.keys((i18n as Raw | undefined)?.domainLookupTable ?? {}).length > 0,
    actionBodyLimit: toLimit(raw.actionBodySizeLimit),
    islandBodyLimit: toLimit(raw.serverIslandBodySizeLimit) ?? BODY_LIMIT,
  };
}

function toFolders({ buildClientDir: client, buildServerDir: server }: Raw): BuildFolders | undefined {
  return typeof client === 'string' && typeof server === 'string' ? { client, server } : undefined;
}

function toRoute(raw: Raw): ManifestRoute {
  const { segments, prerender, fallbackRoutes } = raw;
  const type = requireText(raw, 'type');
  return {
    route: requireText(raw, 'route'),
    type,
    pattern: new RegExp(requireText(raw, 'pattern')),
    segments: segments as ManifestRoute['segments'], // every version of Astro writes these three members
    // Astro marks a redirect as prerendered, but answers it on demand.
    isPrerendered: prerender === true && type !== 'redirect',
    fallbackRoutes: ((fallbackRoutes ?? []) as readonly Raw[]).map(toRoute),
  };
}

function hasIslands({ serverIslandNameMap: islands }: Raw): boolean {
  return Array.isArray(islands) && islands.length > 0;
}

const ISLANDS = '/_server-islands/[name]';

function isIslands({ route }: ManifestRoute): boolean {
  return route === ISLANDS;
}

/**
 * The route of server islands. Astro before 5.1 does not write it into the manifest; it adds the
 * route as the first one when the build runs.
 */
function toIslands(trailingSlash: Manifest['trailingSlash']): ManifestRoute {
  const end = { always: '\\/$', never: '$', ignore: '\\/?$' }[trailingSlash];
  return {
    route: ISLANDS,
    type: 'page',
    pattern: new RegExp(`^\\/_server-islands\\/([^/]+?)${end}`),
    segments: [
      [{ content: '_server-islands', dynamic: false, spread: false }],
      [{ content: 'name', dynamic: true, spread: false }],
    ],
    isPrerendered: false,
    fallbackRoutes: [],
  };
}

function requireText(raw: Raw, name: string): string {
  const value = raw[name];
  if (typeof value !== 'string') throw new TypeError(`"${name}" must be text, got ${typeof value}`);
  return value;
}

function oneOf<T extends string>(raw: Raw, name: string, values: readonly T[]): T {
  const found = values.find((value) => value === raw[name]);
  if (found === undefined)
    throw new TypeError(`"${name}" must be one of ${values.join(', ')}, got ${String(raw[name])}`);
  return found;
}

function toLimit(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}
