import { peerAddressOf, type TrustedPeers } from '../contract/client.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { CollectedMetrics, MetricFamily } from '../contract/metrics.ts';
import { isMetricsPage, OWN_PAGE, type OwnPage } from '../contract/own-page.ts';
import type { Outcome } from '../contract/target.ts';
import type { EdgeMetrics } from './edge-metrics.ts';
import { Scrape } from './scrape.ts';
import { CONTENT_TYPES, toTextFormat } from './text-format.ts';

export interface MetricsPageOptions {
  readonly config: { readonly METRICS_PATH: string; readonly METRICS_ALLOW: TrustedPeers };
  readonly metrics: EdgeMetrics;
  /** Adds the metrics of other processes to those of this one. Undefined: there are none. */
  readonly collectOthers?: ((own: readonly MetricFamily[]) => Promise<CollectedMetrics>) | undefined;
}

/** The page at METRICS_PATH; undefined without a path. */
export function openMetricsPage({ config, metrics, collectOthers }: MetricsPageOptions): MetricsPage | undefined {
  if (config.METRICS_PATH === '') return undefined;
  const scrape = new Scrape(async () => {
    const families = await metrics.collect({ withStore: true });
    return collectOthers ? collectOthers(families) : { families, missing: 0 };
  });
  return new MetricsPage({ path: config.METRICS_PATH, isAllowed: config.METRICS_ALLOW, scrape });
}

interface MetricsPageParts {
  /** METRICS_PATH, not empty. */
  readonly path: string;
  readonly isAllowed: TrustedPeers;
  readonly scrape: Scrape;
}

/**
 * Metrics on PORT. For peers that may not read them the page does not exist: their requests go on
 * like all others, and get the same response as for any other unknown path.
 */
export class MetricsPage implements OwnPage {
  readonly #parts: MetricsPageParts;

  constructor(parts: MetricsPageParts) {
    this.#parts = parts;
  }

  /**
   * The peer is that of the socket, which no header can forge. A request that a proxy forwards for
   * a client elsewhere is refused, too: its client must be allowed as well.
   */
  isAsked(exchange: Exchange): boolean {
    const { path, isAllowed } = this.#parts;
    const { socket, client } = exchange;
    return isMetricsPage(path, exchange) && isAllowed(peerAddressOf(socket)) && isAllowed(client.address);
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    exchange.answeredBy = 'metrics';
    exchange.step = OWN_PAGE;
    const format = toTextFormat(exchange.request.get('accept') ?? '');
    const body = Buffer.from(await this.#parts.scrape.toText(format));
    exchange.contentType = CONTENT_TYPES[format];
    const headers = ['Content-Type', exchange.contentType, 'Cache-Control', 'no-store'];
    exchange.writeHead(200, 'OK', [...headers, 'Vary', 'Accept', 'Content-Length', String(body.length)]);
    exchange.response.end(body);
    return 'answered';
  }
}
