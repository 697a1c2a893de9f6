import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { basename, isAbsolute, join, posix } from 'node:path';
import { promisify } from 'node:util';
import type { BaseImage } from './base-image.ts';

const run = promisify(execFile);

/** The result of a Dockerfile: a folder that is the root of the container, and the command to run. */
export interface Image {
  /** The path on the host of the container's `/`. */
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
  /** Default: root, as in Docker. */
  user: { readonly uid: number; readonly gid: number };
  command: readonly string[];
  healthcheck: readonly string[];
  exposed: string;
}

/**
 * Executes a Dockerfile without Docker: each stage is an empty folder, absolute paths of the container are mapped into it, and
 * Node and npm of the base image are those of this process. Supports the instructions of this repository's Dockerfile and throws for all others.
 * Must run as root. `folder`: the parent of the stages. Resolves with the last stage.
 */
export async function carryOutDockerfile(context: string, folder: string, base: BaseImage): Promise<Image> {
  const stages = new Map<string, Image>();
  let image: Image | undefined;
  for (const { name, text } of toInstructions(await readFile(join(context, 'Dockerfile'), 'utf8'))) {
    if (name === 'FROM') {
      const [, label] = /^node:24-slim(?: AS (\w+))?$/.exec(text) ?? unknown(name, text);
      image = await createStage(join(folder, String(stages.size)), base);
      stages.set(label ?? String(stages.size), image);
    } else {
      if (!image) throw new Error(`${name} stands before FROM`);
      await carryOut(name, text, image, { context, stages });
    }
  }
  if (!image) throw new Error('the Dockerfile has no FROM');
  return image;
}

/** The path on the host of an absolute path in the container. */
export function toHostPath(image: Image, path: string): string {
  return join(image.root, path);
}

/** A command of the image as the host runs it: arguments that are absolute paths are mapped. */
export function toHostCommand(image: Image, [file = '', ...args]: readonly string[]) {
  return {
    file,
    args: args.map((arg) => (isAbsolute(arg) ? toHostPath(image, arg) : arg)),
    options: { cwd: toHostPath(image, image.workdir), env: { ...image.env }, ...image.user },
  };
}

async function carryOut(
  name: string,
  text: string,
  image: Image,
  { context, stages }: { context: string; stages: ReadonlyMap<string, Image> },
): Promise<void> {
  if (name === 'WORKDIR') {
    image.workdir = text;
    await mkdir(toHostPath(image, text), { recursive: true });
  } else if (name === 'ENV') {
    const [, key = '', value = ''] = /^(\w+)=(\S*)$/.exec(text) ?? unknown(name, text);
    image.env[key] = value;
  } else if (name === 'COPY') {
    const [, stage, paths = ''] = /^(?:--from=(\w+) )?([^-].*)$/.exec(text) ?? unknown(name, text);
    await copy(stage === undefined ? context : rootOf(stages, stage), paths.split(' '), image);
  } else if (name === 'RUN') {
    await runInstruction(text, image, context);
  } else if (name === 'USER') {
    const [, uid, gid] = /^(\d+):(\d+)$/.exec(text) ?? unknown(name, text);
    image.user = { uid: Number(uid), gid: Number(gid) };
  } else if (name === 'EXPOSE') {
    image.exposed = text;
  } else if (name === 'CMD') {
    image.command = JSON.parse(text);
  } else if (name === 'HEALTHCHECK') {
    const [, command = ''] = /^(?:--\S+ )*CMD (\[.*\])$/.exec(text) ?? unknown(name, text);
    image.healthcheck = JSON.parse(command);
  } else {
    unknown(name, text);
  }
}

async function createStage(root: string, base: BaseImage): Promise<Image> {
  const bin = join(root, 'usr/local/bin');
  await mkdir(bin, { recursive: true });
  await symlink(base.node, join(bin, 'node'));
  await symlink(base.npm, join(bin, 'npm'));
  return {
    root,
    workdir: '/',
    env: { PATH: `${bin}:/usr/bin:/bin`, ...base.env },
    user: { uid: 0, gid: 0 },
    command: [],
    healthcheck: [],
    exposed: '',
  };
}

async function copy(from: string, paths: readonly string[], image: Image): Promise<void> {
  const target = posix.resolve(image.workdir, paths.at(-1) ?? '');
  const intoFolder = paths.at(-1)?.endsWith('/');
  for (const path of paths.slice(0, -1)) {
    const to = toHostPath(image, intoFolder ? join(target, basename(path)) : target);
    // In Docker, copied files belong to root and keep their modes.
    await cp(join(from, path), to, { recursive: true });
  }
}

/** A cache mount is npm's cache on this machine, which the shell finds without a mount. */
async function runInstruction(text: string, image: Image, context: string): Promise<void> {
  const command = text.replace(/^--mount=type=cache,\S+ /, '').replace(/(?<=^|\s)\/(?=\w)/g, `${image.root}/`);
  if (command === INSTALL_ALL) return linkPackages(image, context);
  const { options } = toHostCommand(image, []);
  await run('sh', ['-c', command], options);
}

/** All packages, with those for development. */
const INSTALL_ALL = 'npm ci --ignore-scripts';

/** The same command has installed the packages in `context`, from the same files. Another time would take 13 seconds of a processor. */
async function linkPackages(image: Image, context: string): Promise<void> {
  for (const name of ['package.json', 'package-lock.json']) {
    const copied = await readFile(toHostPath(image, join(image.workdir, name)), 'utf8');
    if (copied !== (await readFile(join(context, name), 'utf8'))) throw new Error(`${name} is not that of ${context}`);
  }
  await symlink(join(context, 'node_modules'), toHostPath(image, join(image.workdir, 'node_modules')));
}

function toInstructions(text: string): { name: string; text: string }[] {
  return text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.slice(0, line.indexOf(' ')), text: line.slice(line.indexOf(' ') + 1).trim() }));
}

function rootOf(stages: ReadonlyMap<string, Image>, stage: string): string {
  const image = stages.get(stage);
  return image ? image.root : unknown('COPY --from', stage);
}

function unknown(name: string, text: string): never {
  throw new Error(`${name} ${text}: test/helpers/dockerfile.ts does not support this instruction; add it`);
}
