import { createHash } from 'node:crypto';
import type { Exchange } from '../../../contract/exchange.ts';
import type { ExternalOrigins } from '../../../contract/external-origins.ts';
import { Fault } from '../../../contract/fault.ts';
import { findHeader } from '../../../contract/header-list.ts';
import type { SiteFiles } from '../../../contract/site-files.ts';
import type { SiteRequests, WholeAnswer } from '../../../contract/site-requests.ts';
import type { RemoteImages } from './remote-images.ts';

/** Where an image is, and what its server says about it. */
export interface FoundImage {
  /** Changes with the content. */
  readonly id: string;
  /** The value of Cache-Control; undefined without it. */
  readonly cacheControl: string | undefined;
  /** Undefined if it was not needed to find the image. */
  readonly content?: Buffer;
}

/** An image with its content. */
export interface LoadedImage extends FoundImage {
  readonly content: Buffer;
}

/** The site's own response in place of an image, such as the 401 of a guard: the client gets it as it is. */
export interface RefusedImage {
  readonly refusal: WholeAnswer;
}

export interface ImageSourcesParts {
  readonly files: SiteFiles;
  readonly siteRequests: SiteRequests | undefined;
  readonly origins: ExternalOrigins | undefined;
  readonly remote: RemoteImages;
}

/** A text is the location of a redirect. */
type Opened = FoundImage | RefusedImage | string;

const LIMIT_BYTES = 32 * 1024 ** 2;
const MOST_REDIRECTS = 5;
const ACCEPT = 'image/avif,image/webp,image/*,*/*;q=0.5';

/** How long an image of another host counts as unchanged if its server does not say so, and at most. */
const FRESH_S = 60;
const LONGEST_FRESH_S = 24 * 3600;
const MOST_REMEMBERED = 1000;

interface Remembered extends FoundImage {
  readonly untilMs: number;
}

/** The sources of images: files and functions of the site, and other hosts that the site allows. */
export class ImageSources {
  readonly #parts: ImageSourcesParts;
  /** Images of other hosts by their URLs, so that not every request leads to a download. */
  readonly #remembered = new Map<string, Remembered>();
  /** Downloads in flight. */
  readonly #downloads = new Map<string, Promise<LoadedImage>>();

  constructor(parts: ImageSourcesParts) {
    this.#parts = parts;
  }

  /**
   * Finds an image, without its content if the image can be identified without. `source`: a path of the site, or a URL. Rejects with the Fault that
   * the client gets: 403 for a host that is not allowed, the status of the source, 502.
   */
  async find(exchange: Exchange, source: string): Promise<FoundImage | RefusedImage> {
    return this.#follow(exchange, source, (url, isSite) => {
      if (!isSite) return this.#recall(url) ?? this.#download(exchange, url);
      // A file has a tag, for which it need not be read. The guards of the site run in either case.
      const target = toTarget(url);
      return this.#parts.files.has(target)
        ? this.#askSite(exchange, target, 'HEAD')
        : this.#askSite(exchange, target, 'GET');
    });
  }

  /** Finds an image with its content, which may have changed since `find`. */
  async load(exchange: Exchange, source: string): Promise<LoadedImage> {
    const found = await this.#follow(exchange, source, (url, isSite) =>
      isSite ? this.#askSite(exchange, toTarget(url), 'GET') : this.#download(exchange, url),
    );
    if ('refusal' in found) throw toBadAnswer(found.refusal);
    const { content } = found;
    if (!content) throw new Error('a response to GET without content');
    return { ...found, content };
  }

  async #follow(
    exchange: Exchange,
    source: string,
    open: (url: URL, isSite: boolean) => Promise<Opened> | FoundImage,
  ): Promise<FoundImage | RefusedImage> {
    let url = toUrl(source, toOwnUrl(exchange));
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const isSite = url.host === toOwnUrl(exchange).host;
      if (isSite && url.pathname.startsWith('/.netlify/images'))
        throw refuse('url must not name another image request');
      if (!isSite && !this.#parts.remote.allows(url)) {
        const message = 'images of this host are not allowed';
        throw new Fault('bad_request', { status: 403, message: `${message}: ${url.origin}`, clientMessage: message });
      }
      const found = await open(url, isSite);
      if (typeof found !== 'string') return found;
      url = toUrl(found, url);
    }
    throw new Fault('hop_bad_answer', { message: `the image ${source} is redirected too often` });
  }

  /** A text is the location of a redirect. */
  async #askSite(exchange: Exchange, target: string, method: 'GET' | 'HEAD'): Promise<Opened> {
    const answer = await this.#parts.siteRequests?.send(exchange, { method, target, limitBytes: LIMIT_BYTES });
    if (!answer) throw new Fault('not_found');
    const location = toLocation(answer);
    if (location !== undefined) return location;
    if (answer.status >= 400) {
      // The client gets it with its content.
      return method === 'GET' ? { refusal: answer } : this.#askSite(exchange, target, 'GET');
    }
    const tag = findHeader(answer.headers, 'etag');
    if (method === 'GET') return toLoaded(answer, tag === undefined ? undefined : toSiteId(target, tag));
    if (answer.status !== 200 || tag === undefined) return this.#askSite(exchange, target, 'GET');
    return { id: toSiteId(target, tag), cacheControl: findHeader(answer.headers, 'cache-control') };
  }

  #recall(url: URL): FoundImage | undefined {
    const found = this.#remembered.get(url.href);
    return found && found.untilMs > performance.now() ? found : undefined;
  }

  /** Equal downloads at the same time are one: no header of the client is sent. */
  #download(exchange: Exchange, url: URL): Promise<LoadedImage | string> {
    const { href } = url;
    const known = this.#downloads.get(href);
    if (known) return known;
    const download = this.#start(exchange, url);
    this.#downloads.set(href, download as Promise<LoadedImage>);
    const over = () => this.#downloads.delete(href);
    download.then(over, over);
    return download;
  }

  async #start(exchange: Exchange, url: URL): Promise<LoadedImage | string> {
    const { origins } = this.#parts;
    if (!origins) throw new Fault('not_found');
    const answer = await origins.download(exchange, { url, limitBytes: LIMIT_BYTES, accept: ACCEPT });
    const location = toLocation(answer);
    if (location !== undefined) return location;
    if (answer.status === 404 || answer.status === 410) throw new Fault('not_found', { status: answer.status });
    const loaded = toLoaded(answer, undefined);
    this.#remember(url.href, loaded);
    return loaded;
  }

  #remember(href: string, { id, cacheControl = '' }: LoadedImage): void {
    const [, age = ''] = /(?:^|[\s,])(?:s-)?max-?age\s*=\s*"?(\d+)/i.exec(cacheControl) ?? [];
    const seconds = isPrivate(cacheControl) ? 0 : Math.min(age === '' ? FRESH_S : Number(age), LONGEST_FRESH_S);
    this.#remembered.delete(href);
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined && this.#remembered.size >= MOST_REMEMBERED) this.#remembered.delete(oldest);
    this.#remembered.set(href, { id, cacheControl, untilMs: performance.now() + seconds * 1000 });
  }
}

/** Whether a response is for one client, or for no cache. */
export function isPrivate(cacheControl: string | undefined): boolean {
  return /(?:^|[\s,])(?:private|no-store)(?:[\s,=]|$)/i.test(cacheControl ?? '');
}

function toLoaded(answer: WholeAnswer, id: string | undefined): LoadedImage {
  const { status, headers, content } = answer;
  if (status !== 200 || findHeader(headers, 'content-encoding') !== undefined) throw toBadAnswer(answer);
  const cacheControl = findHeader(headers, 'cache-control');
  return { id: id ?? createHash('sha256').update(content).digest('base64url'), cacheControl, content };
}

function toBadAnswer({ status, headers }: WholeAnswer): Fault {
  const coding = findHeader(headers, 'content-encoding');
  return new Fault('hop_bad_answer', {
    message: `the source of an image answered ${status}${coding ? `, ${coding}` : ''}`,
  });
}

function toSiteId(target: string, tag: string): string {
  return JSON.stringify([target, tag]);
}

function toLocation({ status, headers }: WholeAnswer): string | undefined {
  return status >= 301 && status <= 308 && status !== 304 ? findHeader(headers, 'location') : undefined;
}

function toTarget({ pathname, search }: URL): string {
  return pathname + search;
}

/** A URL with the Host of the request, by which URLs of the site are recognized. Their scheme is not compared. */
function toOwnUrl({ request }: Exchange): URL {
  return URL.parse(`http://${request.host ?? ''}`) ?? new URL('http://localhost');
}

function toUrl(text: string, base: URL): URL {
  const url = URL.parse(text, base.href);
  if (!url) throw refuse('url must be a path of this site, or a URL');
  return url;
}

function refuse(clientMessage: string): Fault {
  return new Fault('bad_request', { clientMessage });
}
