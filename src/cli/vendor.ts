import { DIALECTS } from '../site/dialects.ts';
import { requireFolder } from '../site/folder.ts';
import { openProject } from '../site/project.ts';
import { defineCommand } from './command.ts';
import { NoteLog } from './note-log.ts';

export const command = defineCommand({
  forms: ['vendor [SITE]'],
  about:
    'Fetches the modules of URLs that edge functions import, with all that these import, into .nexthop/vendor, and writes their hashes to its lock file. A start fetches nothing: keep the folder with the source of the site. A module that is there is not fetched again.',
  examples: [
    ['nexthop vendor', 'fetches what edge functions of this folder import'],
    ['nexthop vendor my-site', 'the same for another site'],
  ],
  exits: {
    0: 'all modules are stored',
    1: 'one cannot be fetched, or is not the one of the lock file; nothing is changed',
  },
  async run({ config, out, complain }) {
    await requireFolder(config.site);
    const project = await openProject(config, new NoteLog([]));
    let code = 0;
    for (const dialect of DIALECTS) {
      const vendored = await dialect.vendor?.(project);
      if (!vendored) continue;
      const { folder, urls, mistakes } = vendored;
      for (const mistake of mistakes) complain(mistake);
      if (mistakes.length > 0) code = 1;
      else out(urls.length === 0 ? 'edge functions import no URLs' : `${urls.length} modules are in ${folder}`);
    }
    return code;
  },
});
