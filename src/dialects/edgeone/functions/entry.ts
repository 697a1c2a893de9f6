import type { Survey } from '../../loader/survey.ts';
import type { FunctionFile } from './find-files.ts';
import { isHandlerName, mentionsHandler } from './handlers.ts';
import { isCatchAll } from './to-pattern.ts';

/**
 * Whether a file is an entry, as far as that shows without running it: it exports a handler by name, or a function of such a name by default,
 * or stands where an app may stand and exports something that could be one. Anonymous default functions are helpers: projects keep functions
 * of other platforms beside their own.
 */
export function isEntry({ path, segments }: FunctionFile, { looks, brokenTexts }: Survey): boolean {
  const broken = brokenTexts.get(path);
  // Of a file that could not even be read nothing is known; its route says so rather than leave the request to the hop.
  if (broken !== undefined) return broken === '' || mentionsHandler(broken) || isCatchAll(segments.at(-1));
  const look = looks.get(path);
  if (!look) return false;
  const { names, defaultName } = look;
  if ([...names, defaultName].some(isHandlerName)) return true;
  return isCatchAll(segments.at(-1)) && (names.has('default') || names.has('app'));
}
