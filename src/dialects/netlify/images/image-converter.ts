import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ResizeOptions, Sharp, SharpOptions } from 'sharp';
import { Fault } from '../../../contract/fault.ts';
import type { ImageFormat } from './image-format.ts';
import type { ImageOrder } from './image-order.ts';

type CreateSharp = (content: Buffer, options: SharpOptions) => Sharp;

/** What a source may have: 50 million pixels, of all pictures of an animation together. */
const MOST_PIXELS = 50_000_000;

/**
 * Most pixels of a created image. So many take about 20 seconds in the worst case, an image of noise (measured with one core of
 * 2026). LIMIT_S does not replace this limit: libvips cannot stop the encoder of AVIF.
 */
const MOST_WRITTEN: Readonly<Record<ImageFormat, number>> = {
  avif: 10_000_000,
  webp: 25_000_000,
  jpg: MOST_PIXELS,
  png: MOST_PIXELS,
  gif: 25_000_000,
};

/** Work on one image that takes longer is ended. */
const LIMIT_S = 30;

/** Images that wait for their turn. */
const MOST_WAITING = 64;

/** Each takes a thread of Node's pool, which also reads files and looks up names: one of its four stays free. */
const AT_ONCE = Math.min(3, Math.max(1, Math.floor(availableParallelism() / 2)));

/** Resizes and converts images with sharp, a few at a time. */
export class ImageConverter {
  readonly #root: string;
  #sharp: Promise<CreateSharp | undefined> | undefined;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** `root`: the site, whose own sharp is used if it has one. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Whether sharp is installed. */
  async isAvailable(): Promise<boolean> {
    return (await this.#load()) !== undefined;
  }

  /**
   * Creates the image in the first of the formats that is not too slow for its size. Rejects with `bad_request` for an image that cannot be read or is too large, and with
   * `images_busy` if too many images wait.
   */
  async convert(content: Buffer, order: ImageOrder, formats: readonly ImageFormat[]): Promise<Buffer> {
    const createSharp = await this.#load();
    if (!createSharp) throw new Error('sharp is not installed');
    if (this.#running < AT_ONCE) this.#running++;
    else await this.#wait();
    try {
      return await convert(createSharp, { content, order, formats });
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      throw new Fault('bad_request', { clientMessage: 'the image cannot be read, or is too large', cause });
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING) throw new Fault('images_busy', { headers: ['Retry-After', '5'] });
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #load(): Promise<CreateSharp | undefined> {
    this.#sharp ??= loadSharp(this.#root);
    return this.#sharp;
  }
}

async function loadSharp(root: string): Promise<CreateSharp | undefined> {
  try {
    const path = createRequire(join(root, 'package.json')).resolve('sharp');
    const { default: ofSite } = await import(pathToFileURL(path).href);
    return ofSite;
  } catch {
    // The site has none, or one for another machine.
  }
  try {
    return (await import('sharp')).default;
  } catch {
    // It is an optional package.
    return undefined;
  }
}

/** Whether a sharp can be found, without loading it: that takes a tenth of a second. `root`: as of ImageConverter. */
export function findsSharp(root: string): boolean {
  return [join(root, 'package.json'), import.meta.filename].some((from) => {
    try {
      createRequire(from).resolve('sharp');
      return true;
    } catch {
      return false;
    }
  });
}

interface Conversion {
  readonly content: Buffer;
  readonly order: ImageOrder;
  readonly formats: readonly ImageFormat[];
}

async function convert(createSharp: CreateSharp, { content, order, formats }: Conversion): Promise<Buffer> {
  const options = { limitInputPixels: MOST_PIXELS, failOn: 'error' } as const;
  const {
    pages = 1,
    width,
    height,
    pageHeight = height,
    autoOrient,
  } = await createSharp(content, {
    ...options,
    animated: true,
  }).metadata();
  const upright = pages > 1 ? { width, height: pageHeight } : (autoOrient ?? { width, height });
  const pixels = countPixels(order, upright);
  const format = formats.find((each) => pixels * (isAnimated(each) ? pages : 1) <= MOST_WRITTEN[each]);
  if (!format) {
    const most = MOST_WRITTEN[formats[0] ?? 'png'];
    const clientMessage = `the image would have more than ${most} pixels, which is too many for ${formats[0]}: give w or h`;
    throw new Fault('bad_request', { clientMessage });
  }
  const image = createSharp(content, { ...options, animated: isAnimated(format) });
  // Without its Exif data a picture of a phone would lie on its side.
  const turned = pages > 1 ? image : image.rotate();
  return write(turned.resize(toSize(order)).timeout({ seconds: LIMIT_S }), order.quality, format).toBuffer();
}

function isAnimated(format: ImageFormat): boolean {
  return format === 'gif' || format === 'webp';
}

/** Of one picture, as it is written. */
function countPixels(order: ImageOrder, source: { readonly width: number; readonly height: number }): number {
  const { width, height, fit } = toSize(order);
  if (fit !== 'inside') return (width ?? source.width) * (height ?? source.height);
  const factor = Math.min(1, (width ?? source.width) / source.width, (height ?? source.height) / source.height);
  return source.width * source.height * factor ** 2;
}

function toSize({ width, height, fit, position }: ImageOrder): ResizeOptions {
  const size = { ...(width && { width }), ...(height && { height }) };
  // Only both sides can have another proportion than the source.
  if (!width || !height || fit === 'contain') return { ...size, fit: 'inside', withoutEnlargement: true };
  return { ...size, fit, position: position === 'center' ? 'centre' : position };
}

function write(image: Sharp, quality: number, format: ImageFormat): Sharp {
  switch (format) {
    case 'avif':
      // The default effort takes three times as long for five percent of the bytes.
      return image.avif({ quality, effort: 2 });
    case 'webp':
      return image.webp({ quality });
    case 'jpg':
      return image.flatten({ background: 'white' }).jpeg({ quality, mozjpeg: false });
    case 'png':
      return image.png();
    case 'gif':
      return image.gif();
  }
}
