import type { Dialect } from '../dialects/dialect.ts';
import { edgeone } from '../dialects/edgeone/edgeone.ts';

/** Every platform whose sites run here. Where the pattern of two routes decides nothing, the dialect that stands first wins. */
export const DIALECTS: readonly Dialect[] = [edgeone];
