import type { Vendored } from '../contract/dialect.ts';
import { DIALECTS } from '../site/dialects.ts';
import { requireFolder } from '../site/folder.ts';
import { openProject } from '../site/project.ts';
import { defineCommand } from './command.ts';
import { NoteLog } from './note-log.ts';

export const command = defineCommand({
  forms: ['vendor [SITE]'],
  about:
    'Fetches the modules of URLs that edge functions import, with all that these import, into .nexthop/vendor, and writes their hashes to its lock file. A start fetches nothing: keep the folder with the source of the site. A module that is there is not fetched again.',
  flags: { json: { about: 'print one JSON object' } },
  examples: [
    ['nexthop vendor', 'fetches what edge functions of this folder import'],
    ['nexthop vendor my-site', 'the same for another site'],
  ],
  exits: {
    0: 'all modules are stored',
    1: 'one cannot be fetched, or is not the one of the lock file; nothing is changed',
  },
  async run({ config, out, complain, flags: { json = false } }) {
    await requireFolder(config.site);
    const project = await openProject(config, new NoteLog([]));
    const found = await Promise.all(DIALECTS.map((dialect) => dialect.vendor?.(project)));
    const vendored = found.filter((each) => each !== undefined);
    const mistakes = vendored.flatMap((each) => each.mistakes);
    for (const mistake of mistakes) complain(mistake);
    if (json) {
      const isWhole = mistakes.length === 0;
      out(JSON.stringify({ stored: isWhole ? vendored.flatMap(({ urls }) => urls) : [], mistakes }, undefined, 2));
    } else {
      for (const each of vendored) if (each.mistakes.length === 0) out(toLine(each));
      if (vendored.length === 0) out('the site has no edge functions, so there is nothing to fetch');
    }
    return mistakes.length > 0 ? 1 : 0;
  },
});

function toLine({ folder, urls }: Vendored): string {
  if (urls.length === 0) return 'edge functions import no URLs';
  return urls.length === 1 ? `1 module is in ${folder}` : `${urls.length} modules are in ${folder}`;
}
