import { relative } from 'node:path';
import type { Project } from '../../../contract/dialect.ts';
import type { Rewrite } from '../../loader/source-files.ts';

const LISTEN = /(?<![\w$.])app\.listen(?=\s*\()/g;

/**
 * Makes `app.listen(…)` do nothing, as the platform does for a variable of just this name: the app is served by the edge, which opens no
 * other port. Says so once for each file. `valueOf` returns the app whatever it is given, and may stand wherever `listen` may.
 */
export function ignoreListen({ root, log }: Project): Rewrite {
  const told = new Set<string>();
  return (text, file) => {
    const changed = text.replace(LISTEN, 'app.valueOf');
    if (changed !== text && !told.has(file)) {
      told.add(file);
      log.info('app.listen() does nothing here: the edge serves the app', { target: relative(root, file) });
    }
    return changed;
  };
}
