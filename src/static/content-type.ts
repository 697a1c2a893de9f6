const UTF_8 = '; charset=utf-8';

/**
 * The types that browsers act on, and those people download. JSON has no charset parameter (RFC 8259 11), and XML says its own in its first line.
 */
const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    html: `text/html${UTF_8}`,
    htm: `text/html${UTF_8}`,
    xhtml: 'application/xhtml+xml',
    css: `text/css${UTF_8}`,
    js: `text/javascript${UTF_8}`,
    mjs: `text/javascript${UTF_8}`,
    cjs: `text/javascript${UTF_8}`,
    json: 'application/json',
    map: 'application/json',
    jsonld: 'application/ld+json',
    geojson: 'application/geo+json',
    webmanifest: 'application/manifest+json',
    wasm: 'application/wasm',
    txt: `text/plain${UTF_8}`,
    text: `text/plain${UTF_8}`,
    log: `text/plain${UTF_8}`,
    md: `text/markdown${UTF_8}`,
    csv: `text/csv${UTF_8}`,
    tsv: `text/tab-separated-values${UTF_8}`,
    vtt: `text/vtt${UTF_8}`,
    ics: `text/calendar${UTF_8}`,
    vcf: `text/vcard${UTF_8}`,
    yaml: `application/yaml${UTF_8}`,
    yml: `application/yaml${UTF_8}`,
    xml: 'application/xml',
    xsl: 'application/xml',
    rss: 'application/rss+xml',
    atom: 'application/atom+xml',
    kml: 'application/vnd.google-earth.kml+xml',
    gpx: 'application/gpx+xml',

    svg: 'image/svg+xml',
    png: 'image/png',
    apng: 'image/apng',
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    gif: 'image/gif',
    webp: 'image/webp',
    avif: 'image/avif',
    jxl: 'image/jxl',
    heic: 'image/heic',
    heif: 'image/heif',
    ico: 'image/x-icon',
    bmp: 'image/bmp',
    tif: 'image/tiff',
    tiff: 'image/tiff',

    woff: 'font/woff',
    woff2: 'font/woff2',
    ttf: 'font/ttf',
    otf: 'font/otf',
    eot: 'application/vnd.ms-fontobject',

    mp3: 'audio/mpeg',
    m4a: 'audio/mp4',
    aac: 'audio/aac',
    ogg: 'audio/ogg',
    oga: 'audio/ogg',
    opus: 'audio/ogg',
    flac: 'audio/flac',
    wav: 'audio/wav',
    weba: 'audio/webm',
    mp4: 'video/mp4',
    m4v: 'video/mp4',
    webm: 'video/webm',
    ogv: 'video/ogg',
    mov: 'video/quicktime',
    m3u8: 'application/vnd.apple.mpegurl',
    ts: 'video/mp2t',
    mpd: 'application/dash+xml',
    glb: 'model/gltf-binary',
    gltf: 'model/gltf+json',

    pdf: 'application/pdf',
    rtf: 'application/rtf',
    epub: 'application/epub+zip',
    doc: 'application/msword',
    docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    xls: 'application/vnd.ms-excel',
    xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    ppt: 'application/vnd.ms-powerpoint',
    pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    odt: 'application/vnd.oasis.opendocument.text',
    ods: 'application/vnd.oasis.opendocument.spreadsheet',
    zip: 'application/zip',
    gz: 'application/gzip',
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

/** Names without an extension whose readers ask for a type (Apple's universal links). */
const TYPES_BY_NAME: ReadonlyMap<string, string> = new Map([['apple-app-site-association', 'application/json']]);

/** The media type of a file by its name, with charset where the type has one; bytes to be saved if the name says nothing. */
export function contentTypeOf(name: string): string {
  const dot = name.lastIndexOf('.');
  const type = dot === -1 ? TYPES_BY_NAME.get(name) : TYPES.get(name.slice(dot + 1).toLowerCase());
  return type ?? 'application/octet-stream';
}
