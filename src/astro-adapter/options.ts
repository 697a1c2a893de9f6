import { didYouMean } from '../contract/problem.ts';

/** What stands in `adapter: nexthop({…})`. The names are those of @astrojs/node, the old ones and the new ones. */
export interface AdapterOptions {
  /** `standalone` builds a server that is started by `node dist/server/entry.mjs`, `middleware` a `handler` for Express and its like. */
  readonly mode: 'standalone' | 'middleware';
  /** True: pages are rendered whole and sent with their length. Default: false. */
  readonly experimentalDisableStreaming?: boolean;
  /** True: the Content Security Policy of prerendered pages is sent as a field instead of standing in a `<meta>`. Default: false. */
  readonly staticHeaders?: boolean;
  /** The same, as Astro 5 calls it. */
  readonly experimentalStaticHeaders?: boolean;
  /** Where a prerendered error page is fetched from if it is not among the files of the build. Default: nowhere. */
  readonly experimentalErrorPageHost?: string | URL;
  /** Largest body of a request, in bytes; above it 413. 0 or Infinity: no limit. Default: 1 GiB. */
  readonly bodySizeLimit?: number;
  /** Whether `.br` and `.gz` forms of the files are made by the build. Default: true. */
  readonly precompress?: boolean;
  /** Whether packages become part of the build, so that they need not be installed where it runs. Default: true. */
  readonly bundle?: boolean;
}

/** The options with every default in place; the two names of one thing are one. */
export interface Options {
  readonly mode: 'standalone' | 'middleware';
  readonly streaming: boolean;
  readonly staticHeaders: boolean;
  /** An origin, e.g. `http://localhost:4321`; '' if there is none. */
  readonly errorPageOrigin: string;
  /** 0: no limit. */
  readonly bodyLimitBytes: number;
  readonly precompress: boolean;
  readonly bundle: boolean;
}

/** Reads what the author of a site wrote. Throws one Error that names every option that makes no sense, with its value and what is expected. */
export function readOptions(given: unknown): Options {
  if (typeof given !== 'object' || given === null)
    throw new OptionsError([`options must be ${AN_OBJECT}, got ${show(given)}`]);
  const complaints: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name as keyof typeof KINDS] : undefined; // hasOwn says so
    if (!kind)
      complaints.push(
        `${name} is no option; there are ${Object.keys(KINDS).join(', ')}${didYouMean(name, Object.keys(KINDS))}`,
      );
    else if (value !== undefined && !kind.fits(value))
      complaints.push(`${name} must be ${kind.is}, got ${show(value)}`);
  }
  const options = given as AdapterOptions; // each has been looked at; those that do not fit are complained of below
  if (options.mode === undefined) complaints.push(`mode must be ${KINDS.mode.is}, got nothing`);
  const { staticHeaders = options.experimentalStaticHeaders ?? false } = options;
  if ((options.experimentalStaticHeaders ?? staticHeaders) !== staticHeaders) {
    complaints.push('staticHeaders and experimentalStaticHeaders are one option under two names, got two values');
  }
  if (complaints.length > 0) throw new OptionsError(complaints);

  const { bodySizeLimit = GIBIBYTE, experimentalErrorPageHost: host } = options;
  return {
    mode: options.mode,
    streaming: !options.experimentalDisableStreaming,
    staticHeaders,
    errorPageOrigin: host === undefined ? '' : new URL(host).origin,
    bodyLimitBytes: Number.isFinite(bodySizeLimit) ? bodySizeLimit : 0,
    precompress: options.precompress ?? true,
    bundle: options.bundle ?? true,
  };
}

/** All wrong options at once. */
class OptionsError extends Error {
  override readonly name = 'OptionsError';

  constructor(complaints: readonly string[]) {
    super(`nexthop/astro in astro.config: ${complaints.join('; ')}`);
  }
}

interface Kind {
  readonly fits: (value: unknown) => boolean;
  /** Completes "NAME must be …". */
  readonly is: string;
}

const AN_OBJECT = "an object with a mode, such as { mode: 'standalone' }";

const FLAG: Kind = { fits: (value) => typeof value === 'boolean', is: 'true or false' };

const KINDS = {
  mode: {
    fits: (value) => value === 'standalone' || value === 'middleware',
    is: '"standalone", for a server, or "middleware", for a handler in another server',
  },
  experimentalDisableStreaming: FLAG,
  staticHeaders: FLAG,
  experimentalStaticHeaders: FLAG,
  experimentalErrorPageHost: { fits: isHttpUrl, is: 'a URL with http: or https:, such as "http://localhost:4321"' },
  bodySizeLimit: {
    fits: (value) => typeof value === 'number' && value >= 0,
    is: 'a number of bytes, or 0 or Infinity for no limit',
  },
  precompress: FLAG,
  bundle: FLAG,
} as const satisfies Record<keyof AdapterOptions, Kind>;

/** As in @astrojs/node 11. */
const GIBIBYTE = 1024 ** 3;

function isHttpUrl(value: unknown): boolean {
  const text = value instanceof URL ? value.href : value;
  return typeof text === 'string' && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
