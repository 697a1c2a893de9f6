import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { hasCode } from '../../contract/error-code.ts';
import { messageOf } from '../../contract/error-message.ts';

/** Modules of URLs in the site, relative to it: part of its source, as `node_modules`. */
export const VENDOR_FOLDER = '.nexthop/vendor';

/** The list of the modules, in that folder. */
export const LOCK_FILE = 'lock.json';

export interface LockedModule {
  /** In the folder. */
  readonly file: string;
  /** SHA-256 of its content, in base64. */
  readonly sha256: string;
}

/** By URL; a text is the URL to which the server has redirected. */
export interface Lock {
  readonly version: 1;
  readonly modules: Readonly<Record<string, LockedModule | string>>;
}

/** The modules that `nexthop vendor` has fetched. Each is compared with the lock file before it is used. */
export class VendoredModules {
  readonly folder = VENDOR_FOLDER;
  /** The lock file, absolute. */
  readonly lockFile: string;
  /** Why the lock file cannot be used; undefined: it can, or there is none. */
  readonly mistake: string | undefined;
  readonly #root: string;
  readonly #lock: Lock;
  readonly #urls: ReadonlyMap<string, string>;

  constructor(root: string) {
    this.#root = root;
    this.lockFile = join(root, VENDOR_FOLDER, LOCK_FILE);
    const lock = readLock(this.lockFile);
    this.mistake = typeof lock === 'string' ? lock : findChangedWasm(root, lock);
    this.#lock = typeof lock === 'string' ? EMPTY : lock;
    this.#urls = new Map(
      Object.entries(this.#lock.modules).flatMap(([url, module]) =>
        typeof module === 'string' ? [] : [[join(root, VENDOR_FOLDER, module.file), url] as const],
      ),
    );
  }

  get hasModules(): boolean {
    return this.#urls.size > 0;
  }

  /** The URL of a file that is vendored; undefined for other files. */
  urlOf(file: string): string | undefined {
    return this.#urls.get(file);
  }

  /** The absolute path of the module of a URL; undefined if it is not there. */
  find(url: string): string | { readonly mistake: string } | undefined {
    if (this.mistake !== undefined) return { mistake: `${VENDOR_FOLDER}/${LOCK_FILE} ${this.mistake}` };
    const { modules } = this.#lock;
    const found = modules[url];
    const module = typeof found === 'string' ? modules[found] : found;
    if (typeof module !== 'object') return undefined;
    const path = join(this.#root, VENDOR_FOLDER, module.file);
    // The lock file is text of the site: it must not lead out of the folder.
    if (relative(join(this.#root, VENDOR_FOLDER), path).startsWith('..')) return undefined;
    return sumOf(path) === module.sha256
      ? path
      : {
          mistake: `${module.file} is not the file that the lock file of ${VENDOR_FOLDER} names; run "nexthop vendor"`,
        };
  }
}

/** The SHA-256 of a content, as the lock file has it. */
export function toSum(content: Uint8Array): string {
  return hash('sha256', content, 'base64');
}

/** The lock file; empty without one; a text says what is wrong with it. */
export function readLock(file: string): Lock | string {
  try {
    const lock: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isLock(lock) ? lock : 'must have "version": 1 and "modules"';
  } catch (error) {
    return hasCode(error, 'ENOENT') ? EMPTY : `cannot be read: ${messageOf(error)}`;
  }
}

/** WebAssembly is read while code runs, where it is not compared again. */
function findChangedWasm(root: string, { modules }: Lock): string | undefined {
  const changed = Object.values(modules).find(
    (module) =>
      typeof module === 'object' &&
      module.file.endsWith('.wasm') &&
      sumOf(join(root, VENDOR_FOLDER, module.file)) !== module.sha256,
  );
  return typeof changed === 'object'
    ? `names another ${changed.file} than the one in the folder; run "nexthop vendor"`
    : undefined;
}

const EMPTY: Lock = { version: 1, modules: {} };

function isLock(value: unknown): value is Lock {
  if (typeof value !== 'object' || value === null) return false;
  const { version, modules } = value as Partial<Lock>; // both are checked
  return version === 1 && typeof modules === 'object' && modules !== null;
}

function sumOf(path: string): string | undefined {
  try {
    return toSum(readFileSync(path));
  } catch {
    // It is missing, so its sum is another one.
    return undefined;
  }
}
