/** What a build tells of itself: the part of Astro's own manifest that whoever hosts it needs. */
export interface Manifest {
  /** The path below which the site is reached, without a slash at its end; '' for the whole host. */
  readonly base: string;
  readonly trailingSlash: 'always' | 'never' | 'ignore';
  readonly buildFormat: 'directory' | 'file' | 'preserve';
  /** Name of the folder whose files never change. Undefined before Astro 6, which tells it elsewhere. */
  readonly assetsDir: string | undefined;
  /** Folders of the build machine. */
  readonly clientDir: string;
  readonly serverDir: string;
  /** In the order in which Astro asks them. */
  readonly routes: readonly ManifestRoute[];
  /** Astro chooses a language by the host, so that no path alone tells who answers. */
  readonly hasDomains: boolean;
  /** Bytes. */
  readonly actionBodyLimit: number;
  readonly islandBodyLimit: number;
}

export interface ManifestRoute {
  /** As Astro writes it: `/users/[id]`. */
  readonly route: string;
  readonly type: string;
  /** For paths without base. */
  readonly pattern: RegExp;
  readonly segments: readonly (readonly SegmentPart[])[];
  readonly isPrerendered: boolean;
  /** The same page in languages that it was not written in. */
  readonly fallbackRoutes: readonly ManifestRoute[];
}

export interface SegmentPart {
  readonly content: string;
  readonly dynamic: boolean;
  readonly spread: boolean;
}

/** The call that both majors write into what they build, with JSON whatever else is minified: the text is put in behind the bundler. */
const CALL = /\bdeserializeManifest\(\s*(?=\{)/;

/** Core's own, where the build says nothing. */
const BODY_LIMIT = 1024 ** 2;

/** The manifest in the text of a module; undefined where there is none, or none of this form. Nothing of it is run. */
export function parseManifest(text: string): Manifest | undefined {
  const found = CALL.exec(text);
  const json = found && objectAt(text, found.index + found[0].length);
  if (!json) return undefined;
  try {
    return toManifest(JSON.parse(json));
  } catch {
    // Neither JSON nor what it was when this was written: a version that we do not know. The build is hosted without it.
    return undefined;
  }
}

/** The text from one brace to that which closes it. */
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
  const { base, trailingSlash, buildFormat, assetsDir, routes, i18n } = raw;
  if (!Array.isArray(routes)) throw new TypeError('no routes');
  return {
    base: `/${requireText(base)}`.replace(/\/+/g, '/').replace(/\/$/, ''),
    trailingSlash: oneOf(trailingSlash, ['always', 'never', 'ignore']),
    buildFormat: oneOf(buildFormat, ['directory', 'file', 'preserve']),
    assetsDir: typeof assetsDir === 'string' ? assetsDir : undefined,
    clientDir: requireText(raw.buildClientDir),
    serverDir: requireText(raw.buildServerDir),
    routes: routes.map((route: Raw) => toRoute(route.routeData as Raw)),
    hasDomains: Object.keys((i18n as Raw | undefined)?.domainLookupTable ?? {}).length > 0,
    actionBodyLimit: toLimit(raw.actionBodySizeLimit),
    islandBodyLimit: toLimit(raw.serverIslandBodySizeLimit),
  };
}

function toRoute({ route, type, pattern, segments, prerender, fallbackRoutes }: Raw): ManifestRoute {
  return {
    route: requireText(route),
    type: requireText(type),
    pattern: new RegExp(requireText(pattern)),
    segments: segments as ManifestRoute['segments'], // the reader of segments meets nothing but these three
    // A redirect counts as prerendered, but is answered when it is asked for.
    isPrerendered: prerender === true && type !== 'redirect',
    fallbackRoutes: ((fallbackRoutes ?? []) as readonly Raw[]).map(toRoute),
  };
}

function requireText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`expected text, got ${typeof value}`);
  return value;
}

function oneOf<T extends string>(value: unknown, values: readonly T[]): T {
  const found = values.find((each) => each === value);
  if (found === undefined) throw new TypeError(`expected one of ${values.join(', ')}, got ${String(value)}`);
  return found;
}

function toLimit(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : BODY_LIMIT;
}
