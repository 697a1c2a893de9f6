import { UserError } from '../../contract/user-error.ts';

/**
 * Functions cannot be compiled or saved, for a reason outside of the user's code. The message says
 * what to do.
 */
export class BuildError extends UserError {
  override readonly name = 'BuildError';
}
