import { mimes } from 'mrmime';

/**
 * Types by extension. It adds types that mrmime lacks (it omits `vnd.` and `x-`), and corrects
 * types for which browsers or newer RFCs expect others. A Map, because the lookup of mrmime finds
 * members of Object.prototype for names such as `a.constructor`.
 */
const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...mimes,
    cjs: 'text/javascript',
    vcf: 'text/vcard',
    // RFC 9512.
    yaml: 'application/yaml',
    yml: 'application/yaml',
    // text/xml would need a charset, but XML declares its own in its first line (RFC 7303 3).
    xml: 'application/xml',
    rtf: 'application/rtf',
    kml: 'application/vnd.google-earth.kml+xml',

    ico: 'image/x-icon',
    eot: 'application/vnd.ms-fontobject',
    flac: 'audio/flac',
    m4v: 'video/mp4',
    m3u8: 'application/vnd.apple.mpegurl',

    docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    xls: 'application/vnd.ms-excel',
    xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    ppt: 'application/vnd.ms-powerpoint',
    pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    odt: 'application/vnd.oasis.opendocument.text',
    ods: 'application/vnd.oasis.opendocument.spreadsheet',
    tgz: 'application/gzip',
    bz2: 'application/x-bzip2',
    xz: 'application/x-xz',
    zst: 'application/zstd',
    '7z': 'application/x-7z-compressed',
    rar: 'application/vnd.rar',
    tar: 'application/x-tar',
    apk: 'application/vnd.android.package-archive',
  }),
);

/** Files without an extension for which clients require a type (Apple's universal links). */
const TYPES_BY_NAME: ReadonlyMap<string, string> = new Map([['apple-app-site-association', 'application/json']]);

/** Types whose text is UTF-8. JSON has no charset parameter (RFC 8259 11). */
const TEXT = /^(?:text\/|application\/yaml$)/;

/** The media type of a file by its name, with a charset for text. `application/octet-stream` if the name has no known extension. */
export function contentTypeOf(name: string): string {
  const dot = name.lastIndexOf('.');
  if (dot === -1) return TYPES_BY_NAME.get(name) ?? UNKNOWN;
  const type = TYPES.get(name.slice(dot + 1).toLowerCase()) ?? UNKNOWN;
  return TEXT.test(type) ? `${type}; charset=utf-8` : type;
}

const UNKNOWN = 'application/octet-stream';
