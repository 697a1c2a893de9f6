import type { Exchange } from './exchange.ts';
import type { Fault, FaultPage } from './fault.ts';
import type { ProcessLog } from './log.ts';
import type { Answer } from './target.ts';

/** Shows requests and errors to the author of the site. Only `nexthop dev` has one. */
export interface Development {
  /** The log of the process. `files`: the log files, if LOG_DIR is set; they get everything, too. */
  toLog(files: ProcessLog | undefined): ProcessLog;
  /**
   * Receives each request before the site does. 'answered': it was for development itself. Never
   * throws or rejects.
   */
  receive(exchange: Exchange): Answer;
  /** The response for a fault, with the place in the code. Undefined: the usual one. Never throws. */
  toFaultPage(exchange: Exchange, fault: Fault): FaultPage | undefined;
  /** Files outside of the site that its code imports, as absolute paths. */
  useOutside(files: readonly string[]): void;
}
