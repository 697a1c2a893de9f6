import { didYouMean } from '../contract/problem.ts';

/** The argument of `adapter: nexthop({…})`. Takes all names that @astrojs/node has had. */
export interface AdapterOptions {
  /**
   * `standalone` builds a server for `node dist/server/entry.mjs`, `middleware` a `handler` for
   * servers such as Express.
   */
  readonly mode: 'standalone' | 'middleware';
  /** True: each page is rendered completely before it is sent, with its length. Default: false. */
  readonly experimentalDisableStreaming?: boolean;
  /**
   * True: prerendered pages are sent with a Content-Security-Policy header instead of a `<meta>`
   * element. Default: false.
   */
  readonly staticHeaders?: boolean;
  /** The name of `staticHeaders` in Astro 5. */
  readonly experimentalStaticHeaders?: boolean;
  /**
   * Origin from which a prerendered error page is fetched if the build has no file for it. Default:
   * none.
   */
  readonly experimentalErrorPageHost?: string | URL;
  /**
   * Largest body of a request, in bytes; a larger one gets 413. 0 or Infinity: no limit. Default: 1
   * GiB.
   */
  readonly bodySizeLimit?: number;
  /** Whether the build writes compressed forms (`.br`, `.gz`) of its files. Default: true. */
  readonly precompress?: boolean;
  /**
   * Whether the build contains the code of packages, so that they need not be installed where it
   * runs. Default: true.
   */
  readonly bundle?: boolean;
}

/** The options with defaults; options with two names have one. */
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

/**
 * Checks the options of a site. Throws one Error that lists each invalid option with its value and
 * what is expected.
 */
export function readOptions(given: unknown): Options {
  if (typeof given !== 'object' || given === null)
    throw new OptionsError([`options must be ${AN_OBJECT}, got ${show(given)}`]);
  const complaints: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name as keyof typeof KINDS] : undefined; // hasOwn says so
    if (!kind)
      complaints.push(
        `${name} is not an option; the options are ${Object.keys(KINDS).join(', ')}${didYouMean(name, Object.keys(KINDS))}`,
      );
    else if (value !== undefined && !kind.fits(value))
      complaints.push(`${name} must be ${kind.is}, got ${show(value)}`);
  }
  const options = given as AdapterOptions; // checked above; invalid options throw below
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

/** Lists all invalid options. */
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

/** The default of @astrojs/node 11. */
const GIBIBYTE = 1024 ** 3;

function isHttpUrl(value: unknown): boolean {
  const text = value instanceof URL ? value.href : value;
  return typeof text === 'string' && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
