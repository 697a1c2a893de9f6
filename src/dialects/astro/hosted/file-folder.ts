import { relative, sep } from 'node:path';
import type { FileFolder } from '../../../contract/dialect.ts';
import type { FoundBuild } from './read-build.ts';
import type { StaticHeaders } from './static-headers.ts';

const SLASHES = { always: 'always', never: 'never', ignore: 'either' } as const;

/** Where the files of a build are, and how they are served. `assets`: name of the folder whose files never change, as Astro 5 tells it. */
export function toFileFolder(
  root: string,
  { client, manifest }: FoundBuild,
  { assets, headers }: { readonly assets: string | undefined; readonly headers: StaticHeaders | undefined },
): FileFolder {
  const { base = '', trailingSlash = 'ignore', buildFormat = 'directory', assetsDir = assets } = manifest ?? {};
  return {
    folder: relative(root, client).split(sep).join('/') || '.',
    slash: SLASHES[trailingSlash],
    // `404.html` of a build with a folder for each page is what its name says, and no page.
    htmlPages: buildFormat !== 'directory',
    ...(base !== '' && { base }),
    dotFolders: ['.well-known'],
    immutable: [`/${(assetsDir ?? '_astro').replace(/^\/|\/$/g, '')}/`],
    ...(headers && { headers }),
  };
}
