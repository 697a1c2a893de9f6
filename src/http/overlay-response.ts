import type { Exchange, ResponseLayer } from '../contract/exchange.ts';
import { withoutNames } from './headers.ts';

export interface Overlay {
  /**
   * Headers that replace those of the response with the same name. `Set-Cookie` and `Vary` are
   * added instead.
   */
  readonly headers: Iterable<readonly [name: string, value: string]>;
  /** Called just before the head is sent. Default: the overlay applies to every response. */
  readonly appliesTo?: (exchange: Exchange) => boolean;
}

/**
 * Sets headers on the response that is not sent yet, no matter which component writes it: a file, a function's
 * Response, an Express app, the hop. They replace the response's own headers and those of overlays
 * that are added later. Error responses of faults get none, so that e.g. a cache rule for the
 * missing file does not make the error cacheable.
 */
export function overlayAnswer(exchange: Exchange, overlay: Overlay): void {
  exchange.addLayer(new OverlayLayer(overlay));
}

const ADDED: ReadonlySet<string> = new Set(['set-cookie', 'vary']);

class OverlayLayer implements ResponseLayer {
  readonly #overlay: Overlay;

  constructor(overlay: Overlay) {
    this.#overlay = overlay;
  }

  toHeaders(exchange: Exchange, _status: number, headers: readonly string[]): readonly string[] {
    const { headers: added, appliesTo } = this.#overlay;
    if (appliesTo && !appliesTo(exchange)) return headers;
    const laid: string[] = [];
    const replaced = new Set<string>();
    for (const [name, value] of added) {
      const lowerName = name.toLowerCase();
      if (lowerName === 'content-type') exchange.contentType = value;
      if (!ADDED.has(lowerName)) replaced.add(lowerName);
      laid.push(name, value);
    }
    return [...(replaced.size > 0 ? withoutNames(headers, replaced) : headers), ...laid];
  }
}
