import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Log } from '../../../contract/log.ts';
import { OWN_PAGE } from '../../../contract/own-page.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { namesTag } from '../../../http/entity-tags.ts';
import { HOP_BY_HOP, withoutNames } from '../../../http/headers.ts';
import { isSiteRequest } from '../../../http/inner-request.ts';
import { writeHead } from '../../../http/write-head.ts';
import { ImageCache } from './image-cache.ts';
import type { ImageConverter } from './image-converter.ts';
import { CONTENT_TYPES, chooseFormats, detectFormat } from './image-format.ts';
import { type ImageOrder, readImageOrder } from './image-order.ts';
import { type FoundImage, type ImageSources, isPrivate, type LoadedImage, type RefusedImage } from './image-sources.ts';

export interface ImageTargetParts {
  readonly sources: ImageSources;
  readonly converter: ImageConverter;
  readonly cache: ImageCache;
  readonly log: Pick<Log, 'warn'>;
}

/** The default of files. */
const REVALIDATE = 'public, max-age=0, must-revalidate';

/** Code in a picture must not run, also if the picture is opened as a page. */
const NO_CODE = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/** Answers `/.netlify/images` with an image of the site or of another host, resized and in a format that the client shows. */
export class ImageTarget implements Target {
  readonly name = 'images';
  readonly #parts: ImageTargetParts;
  /** Images that are created at this moment, by their names in the cache. */
  readonly #running = new Map<string, Promise<Sent>>();
  #isReported = false;

  constructor(parts: ImageTargetParts) {
    this.#parts = parts;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const { method } = exchange.request;
    // The source of an image cannot be such a request again.
    if (isSiteRequest(exchange.request)) return 'passed';
    exchange.step = OWN_PAGE;
    if (method !== 'GET' && method !== 'HEAD') throw new Fault('method_refused', { headers: ['Allow', 'GET, HEAD'] });
    const [, query = ''] = exchange.target.split(/\?(.*)/s, 2);
    const order = readImageOrder(new URLSearchParams(query));
    if (typeof order === 'string') throw new Fault('bad_request', { clientMessage: order });
    const found = await this.#parts.sources.find(exchange, order.source);
    if ('refusal' in found) sendRefusal(exchange, found);
    else if (await this.#parts.converter.isAvailable()) await this.#sendConverted(exchange, order, found);
    else await this.#sendOriginal(exchange, order, found);
    return 'answered';
  }

  async #sendConverted(exchange: Exchange, order: ImageOrder, found: FoundImage): Promise<void> {
    const name = toName(order, found, exchange);
    // The client has it: no file is read, and no image is created.
    if (isUnchanged(exchange, name)) send(exchange, { order, found, name, content: NOTHING });
    else send(exchange, await this.#makeOnce(exchange, { order, found, name }));
  }

  /** Equal requests at the same time get one image. */
  #makeOnce(exchange: Exchange, task: Task): Promise<Sent> {
    const running = this.#running.get(task.name);
    if (running) return running;
    const made = this.#make(exchange, task);
    this.#running.set(task.name, made);
    const over = () => this.#running.delete(task.name);
    made.then(over, over);
    return made;
  }

  async #make(exchange: Exchange, { order, found, name }: Task): Promise<Sent> {
    const { sources, cache } = this.#parts;
    const known = await cache.find(name);
    if (known) return { order, found, name, content: known };
    const loaded = isLoaded(found) ? found : await sources.load(exchange, order.source);
    const content = await this.#convert(loaded, order, acceptOf(exchange));
    // The source may have changed since it was found.
    const made = { order, found: loaded, name: toName(order, loaded, exchange), content };
    if (content !== loaded.content && !isPrivate(loaded.cacheControl)) await cache.keep(made.name, content);
    return made;
  }

  async #convert({ content }: LoadedImage, order: ImageOrder, accept: string): Promise<Buffer> {
    const source = requireFormat(content);
    if (source === 'svg') return content;
    const formats = order.format ? [order.format] : chooseFormats(accept, source);
    return this.#parts.converter.convert(content, order, formats);
  }

  /** Without sharp. */
  async #sendOriginal(exchange: Exchange, order: ImageOrder, found: FoundImage): Promise<void> {
    const { sources, log } = this.#parts;
    if (!this.#isReported) log.warn('images are sent as they are, because sharp is not installed: npm install sharp');
    this.#isReported = true;
    const loaded = isLoaded(found) ? found : await sources.load(exchange, order.source);
    requireFormat(loaded.content);
    send(exchange, { order, found: loaded, name: ImageCache.toName(loaded.id), content: loaded.content });
  }
}

interface Task {
  readonly order: ImageOrder;
  readonly found: FoundImage;
  readonly name: string;
}

function isLoaded(found: FoundImage): found is LoadedImage {
  return found.content !== undefined;
}

/** A part of the names. Increase it when the same order leads to another image. */
const VERSION = 1;

/** The name of the image in the cache, and its tag. */
function toName({ source: _source, ...order }: ImageOrder, { id }: FoundImage, exchange: Exchange): string {
  const accepted = order.format === undefined ? chooseFormats(acceptOf(exchange), 'jpg') : [];
  return ImageCache.toName(VERSION, id, order, accepted);
}

function acceptOf({ request }: Exchange): string {
  return request.get('accept') ?? '';
}

function requireFormat(content: Buffer): keyof typeof CONTENT_TYPES {
  const format = detectFormat(content);
  if (format === undefined)
    throw new Fault('bad_request', { clientMessage: 'the source is no image that can be read' });
  return format;
}

interface Sent extends Task {
  readonly content: Buffer;
}

const NOT_OF_REFUSAL: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...['content-length', 'section-io-id', 'x-request-id'],
]);

/** Sends the response that the source has in place of an image, with its own headers. */
function sendRefusal(exchange: Exchange, { refusal }: RefusedImage): void {
  const { request, response } = exchange;
  if (exchange.left) return;
  const headers = withoutNames(refusal.headers, NOT_OF_REFUSAL);
  writeHead(exchange, refusal.status, [...headers, 'Content-Length', String(refusal.content.length)]);
  response.end(request.method === 'HEAD' ? undefined : refusal.content);
}

const NOTHING = Buffer.alloc(0);

function send(exchange: Exchange, { order, found, name, content }: Sent): void {
  const { request, response } = exchange;
  if (exchange.left) return;
  const headers = ['ETag', `"${name}"`, 'Cache-Control', found.cacheControl ?? REVALIDATE];
  if (order.format === undefined) headers.push('Vary', 'Accept');
  const hasIt = isUnchanged(exchange, name);
  if (!hasIt) headers.push(...toContentHeaders(exchange, content));
  writeHead(exchange, hasIt ? 304 : 200, headers);
  response.end(hasIt || request.method === 'HEAD' ? undefined : content);
}

function toContentHeaders(exchange: Exchange, content: Buffer): readonly string[] {
  const format = requireFormat(content);
  exchange.contentType = CONTENT_TYPES[format];
  const headers = ['Content-Type', CONTENT_TYPES[format], 'X-Content-Type-Options', 'nosniff'];
  if (format === 'svg') headers.push('Content-Security-Policy', NO_CODE);
  return [...headers, 'Content-Length', String(content.length)];
}

/** The client has this image. */
function isUnchanged({ request }: Exchange, name: string): boolean {
  return namesTag(request.get('if-none-match') ?? '', `"${name}"`, 'weak');
}
