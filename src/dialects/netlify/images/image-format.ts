/** The formats that `fm` names. */
export const FORMATS = ['avif', 'webp', 'jpg', 'png', 'gif'] as const;

export type ImageFormat = (typeof FORMATS)[number];

/** By format. */
export const CONTENT_TYPES: Readonly<Record<SourceFormat, string>> = {
  avif: 'image/avif',
  webp: 'image/webp',
  jpg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  svg: 'image/svg+xml',
  tiff: 'image/tiff',
};

/** Those that only some browsers show, the preferred one first, as on the platform. */
const NEGOTIATED = ['webp', 'avif'] as const;

/**
 * The formats for a client that names none, the preferred one first; the last one is for images that are too large for it.
 * `accept`: the header; '' for none.
 */
export function chooseFormats(accept: string, source: Exclude<SourceFormat, 'svg'>): readonly ImageFormat[] {
  const chosen = NEGOTIATED.find((format) => isNamed(accept, CONTENT_TYPES[format]));
  // A client that does not name the format of the source may not show it.
  const ofSource = source === 'jpg' || source === 'gif' ? source : 'png';
  return chosen ? [chosen, ofSource] : [ofSource];
}

/** Every client accepts anything by a wildcard, so that only a name counts. */
function isNamed(accept: string, type: string): boolean {
  return accept.split(',').some((range) => {
    const [name = '', ...parameters] = range
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    return name === type && !parameters.some((each) => /^q=0(?:\.0*)?$/.test(each));
  });
}

/** A source: those, and two that are not created. */
export type SourceFormat = ImageFormat | 'svg' | 'tiff';

/** The format of an image, by its first bytes; undefined if it is none of a supported image. */
export function detectFormat(content: Buffer): SourceFormat | undefined {
  const start = content.toString('latin1', 0, 16);
  if (start.startsWith('\xff\xd8\xff')) return 'jpg';
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (start.startsWith('GIF8')) return 'gif';
  if (start.startsWith('RIFF') && start.slice(8, 12) === 'WEBP') return 'webp';
  if (/^ftypavi[fs]/.test(start.slice(4))) return 'avif';
  if (start.startsWith('II*\0') || start.startsWith('MM\0*')) return 'tiff';
  return isSvg(content.toString('utf8', 0, 2048)) ? 'svg' : undefined;
}

function isSvg(text: string): boolean {
  const plain = text.replaceAll(/<!--[\s\S]*?-->/g, '');
  return /^\ufeff?\s*(?:<\?xml[^>]*>)?\s*(?:<!DOCTYPE[^>]*>)?\s*<svg[\s>]/i.test(plain);
}
