import type { Dialect } from '../contract/dialect.ts';
import { astro } from '../dialects/astro/astro.ts';
import { edgeone } from '../dialects/edgeone/edgeone.ts';
import { netlify } from '../dialects/netlify/netlify.ts';

/**
 * Every platform whose sites run here. Where the pattern of two routes decides nothing, the dialect that stands first wins. EdgeOne does, as its
 * middleware may be what guards the site: nobody's redirects come before it.
 */
export const DIALECTS: readonly Dialect[] = [edgeone, netlify, astro];
