import { constants } from 'node:fs';
import { copyFile, cp, mkdir, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';

/** Replaces the image `node:24-slim` by copies of this process's Node and npm, which every user of the machine can run. */
export interface BaseImage {
  readonly node: string;
  readonly npm: string;
  /** Environment variables that npm needs to reach its registry and its cache. */
  readonly env: Readonly<Record<string, string>>;
}

const SURROUNDINGS =
  /^(?:HOME|LANG|(?:https?|no)_proxy|NODE_EXTRA_CA_CERTS|npm_config_(?:cache|registry|userconfig))$/i;

/** Copies Node and npm into `folder`. */
export async function createBaseImage(folder: string): Promise<BaseImage> {
  const node = join(folder, 'bin/node');
  const npm = join(folder, 'npm');
  await mkdir(dirname(node), { recursive: true });
  await copyFile(process.execPath, node, constants.COPYFILE_FICLONE);
  await cp(await findNpm(), npm, { recursive: true });
  const env = Object.entries(process.env).filter(([name]) => SURROUNDINGS.test(name));
  return { node, npm: join(npm, 'bin/npm-cli.js'), env: Object.fromEntries(env) as Record<string, string> };
}

/** The folder of npm's package: that of the first npm on PATH. */
async function findNpm(): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const command = await realpath(join(folder, 'npm')).catch(() => '');
    if (command.endsWith('/bin/npm-cli.js')) return dirname(dirname(command));
  }
  throw new Error('there is no npm on PATH');
}
