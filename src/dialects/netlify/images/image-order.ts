import { FORMATS, type ImageFormat } from './image-format.ts';

/** The image that a client requests. */
export interface ImageOrder {
  /** A path of the site, or a URL. */
  readonly source: string;
  /** In pixels; undefined: as in the source, or by the other side. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly fit: (typeof FITS)[number];
  /** Which part is kept when `cover` cuts. */
  readonly position: (typeof POSITIONS)[number];
  /** 1 to 100. */
  readonly quality: number;
  /** Undefined: chosen by the client's `Accept`. */
  readonly format: ImageFormat | undefined;
}

const FITS = ['contain', 'cover', 'fill'] as const;
const POSITIONS = ['center', 'top', 'bottom', 'left', 'right'] as const;

/** Limits for each side, and for the product of both: larger images take seconds to create. */
const LONGEST_SIDE = 8192;
const MOST_PIXELS = 40_000_000;
const LONGEST_SOURCE = 2048;
const QUALITY = 75;

/** Reads the query of `/.netlify/images`. Returns a sentence about the first value that is wrong. */
export function readImageOrder(query: URLSearchParams): ImageOrder | string {
  try {
    return new OrderReader(query).read();
  } catch (error) {
    if (error instanceof WrongValue) return error.message;
    throw error;
  }
}

class WrongValue extends Error {}

class OrderReader {
  readonly #query: URLSearchParams;

  constructor(query: URLSearchParams) {
    this.#query = query;
  }

  read(): ImageOrder {
    const source = this.#query.get('url') ?? '';
    if (source === '') throw new WrongValue('url must name an image');
    if (source.length > LONGEST_SOURCE) throw new WrongValue(`url must have at most ${LONGEST_SOURCE} characters`);
    const [width, height] = [this.#size('w', 'width'), this.#size('h', 'height')];
    if ((width ?? 1) * (height ?? 1) > MOST_PIXELS)
      throw new WrongValue(`w and h must give at most ${MOST_PIXELS} pixels`);
    const fit = this.#oneOf('fit', FITS) ?? 'contain';
    if (fit === 'cover' && (width === undefined) !== (height === undefined)) {
      throw new WrongValue('fit=cover needs both w and h');
    }
    const format = this.#oneOf('fm', [...FORMATS, 'jpeg'] as const);
    return {
      ...{ source, width, height, fit },
      position: this.#oneOf('position', POSITIONS) ?? 'center',
      quality: this.#whole(['q', 'quality'], 100) ?? QUALITY,
      format: format === 'jpeg' ? 'jpg' : format,
    };
  }

  #size(...names: readonly string[]): number | undefined {
    return this.#whole(names, LONGEST_SIDE);
  }

  #whole(names: readonly string[], most: number): number | undefined {
    const [name, text] = this.#find(names);
    if (text === '') return undefined;
    const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > most) throw new WrongValue(`${name} must be a whole number from 1 to ${most}`);
    return value;
  }

  #oneOf<const T extends string>(name: string, choices: readonly T[]): T | undefined {
    const [, text] = this.#find([name]);
    if (text === '') return undefined;
    const choice = choices.find((each) => each === text);
    if (choice === undefined) throw new WrongValue(`${name} must be one of ${choices.join(', ')}`);
    return choice;
  }

  /** The first of these that is set. Components of frameworks leave values empty. */
  #find(names: readonly string[]): readonly [name: string, text: string] {
    const name = names.find((each) => this.#query.get(each)) ?? names[0] ?? '';
    return [name, this.#query.get(name) ?? ''];
  }
}
