import type { Pool } from 'undici';
import type { Deadlines } from '../timing/deadlines.ts';
import type { Connections } from './connections.ts';
import type { AnswerFields } from './response-headers.ts';

/** What all forwards of one hop share. */
export interface ForwardTools {
  /** Replaced when the hop's address changes. */
  pool: Pool;
  readonly connections: Connections;
  readonly deadlines: Deadlines;
  readonly answerFields: AnswerFields;
  readonly firstByteTicks: number;
  readonly idleTicks: number;
  readonly load: Load;
}

/** Requests that undici holds: queued, running, or given up by their client and not yet thrown out. */
export interface Load {
  count: number;
}
