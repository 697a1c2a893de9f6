const FOR_EVER = 'public, max-age=31536000, immutable';

/** It may be kept, and costs a 304 each time; whoever deploys need not wait for anybody's cache. */
export const ASK_AGAIN = 'public, max-age=0, must-revalidate';

/** How long a file may be kept by whoever has it. `path` is relative to the folder; `immutable` are the paths below which no file changes without its name. */
export function cacheControlOf(path: string, immutable: readonly string[] = []): string {
  const isBelow = immutable.some((prefix) => `/${path}`.startsWith(prefix));
  return isBelow || isImmutable(path) ? FOR_EVER : ASK_AGAIN;
}

/** Folders into which a build tool writes nothing but names that change with the content: Astro, Next, SvelteKit, Nuxt (whose manifest keeps its name). */
const HASHED_FOLDERS = /^(?:_astro|_next\/static|_app\/immutable|_nuxt(?!\/builds))\//;

/** What keeps its address whatever stands in it. */
const NEVER = /\.(?:html?|xml|txt|webmanifest)$/;

/** webpack, Parcel, Angular, Next: `main.5c0e9f8a.js`, `chunk-5c0e9f8a7b6d1234.css`. */
const HEX_HASH = /[.-]([0-9a-f]{8,64})\.[^/]+$/;

/** Rollup and Vite (base64url) and esbuild (base32): `index-D_4f-x1k.js`, `chunk.5QLH4F3K.css`. */
const SHORT_HASH = /[.-]([\w-]{8})\.[^/.]+(?:\.map)?$/;

const CODE = /\.(?:[cm]?js|css)(?:\.map)?$/;

/** `document`, `Version2`, `big-file`, `20240101`: what people write where a hash would stand. */
const WORDS = /^[A-Z]?[a-z]*\d*(?:[_-][A-Z]?[a-z]*\d*)*$/;

/** A digit between letters, or an upper-case letter that no word begins with: neither `iPhone15` nor `800x600b` of a picture. */
const JUMBLED = /[A-Za-z]\d+[A-Za-z]|[a-z][A-Z](?![a-z])/;

/**
 * Whether a file's name changes with its content, so that nobody ever need ask for it again. `path` is relative to the folder of files.
 *
 * Saying yes wrongly leaves browsers with an old file for a year; saying no wrongly costs a 304. So what may be a word counts as one.
 */
export function isImmutable(path: string): boolean {
  if (NEVER.test(path)) return false;
  return HASHED_FOLDERS.test(path) || hasHexHash(path) || hasShortHash(path);
}

function hasHexHash(path: string): boolean {
  const hash = HEX_HASH.exec(path)?.[1];
  return hash !== undefined && /\d/.test(hash) && /[a-f]/.test(hash);
}

/** Pictures are named by people more often than code is, and with less care. */
function hasShortHash(path: string): boolean {
  const hash = SHORT_HASH.exec(path)?.[1];
  if (hash === undefined || WORDS.test(hash)) return false;
  return CODE.test(path) || (/(?:^|\/)assets\//.test(path) && JUMBLED.test(hash));
}
