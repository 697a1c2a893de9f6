const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * The client may store the file, and revalidates it each time, which costs a 304. A deploy takes
 * effect at once.
 */
export const REVALIDATE = 'public, max-age=0, must-revalidate';

/**
 * The Cache-Control header of a file. `path` is relative to the folder; `immutable` are the paths
 * below which each change of a file changes its name.
 */
export function cacheControlOf(path: string, immutable: readonly string[] = []): string {
  const isBelow = immutable.some((prefix) => `/${path}`.startsWith(prefix));
  return isBelow || isImmutable(path) ? FOR_EVER : REVALIDATE;
}

/**
 * Folders in which a build tool creates only names that change with the content: Astro, Next,
 * SvelteKit, Nuxt (whose manifest keeps its name).
 */
const HASHED_FOLDERS = /^(?:_astro|_next\/static|_app\/immutable|_nuxt(?!\/builds))\//;

/** Files whose address stays the same when their content changes. */
const NEVER = /\.(?:html?|xml|txt|webmanifest)$/;

/** webpack, Parcel, Angular, Next: `main.5c0e9f8a.js`, `chunk-5c0e9f8a7b6d1234.css`. */
const HEX_HASH = /[.-]([0-9a-f]{8,64})\.[^/]+$/;

/** Rollup and Vite (base64url) and esbuild (base32): `index-D_4f-x1k.js`, `chunk.5QLH4F3K.css`. */
const SHORT_HASH = /[.-]([\w-]{8})\.[^/.]+(?:\.map)?$/;

const CODE = /\.(?:[cm]?js|css)(?:\.map)?$/;

/**
 * `document`, `Version2`, `big-file`, `20240101`: parts of ordinary names in the position of a
 * hash.
 */
const WORDS = /^[A-Z]?[a-z]*\d*(?:[_-][A-Z]?[a-z]*\d*)*$/;

/**
 * A digit between letters, or an upper-case letter that begins no word. This does not match
 * `iPhone15`, or `800x600b` in the name of a picture.
 */
const JUMBLED = /[A-Za-z]\d+[A-Za-z]|[a-z][A-Z](?![a-z])/;

/**
 * Whether the name of a file changes with its content, so that clients never need to revalidate it.
 * `path` is relative to the folder of files.
 *
 * A wrong yes leaves browsers with an old file for a year; a wrong no costs a 304. So a part of a
 * name that may be a word counts as a word.
 */
export function isImmutable(path: string): boolean {
  if (NEVER.test(path)) return false;
  return HASHED_FOLDERS.test(path) || hasHexHash(path) || hasShortHash(path);
}

function hasHexHash(path: string): boolean {
  const hash = HEX_HASH.exec(path)?.[1];
  return hash !== undefined && /\d/.test(hash) && /[a-f]/.test(hash);
}

/** The names of pictures are often written by hand, so they are not considered. */
function hasShortHash(path: string): boolean {
  const hash = SHORT_HASH.exec(path)?.[1];
  if (hash === undefined || WORDS.test(hash)) return false;
  return CODE.test(path) || (/(?:^|\/)assets\//.test(path) && JUMBLED.test(hash));
}
