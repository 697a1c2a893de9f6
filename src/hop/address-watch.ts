import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/**
 * Detects that the hop's name resolves to other addresses, so that connections to the old ones can
 * be closed.
 *
 * Uses getaddrinfo, as connecting does, so /etc/hosts has precedence. A failed look-up changes
 * nothing.
 */
export class AddressWatch {
  readonly #hostname: string;
  readonly #onChange: () => void;
  readonly #timer: NodeJS.Timeout | undefined;
  #known: string | undefined;

  /** Looks the name up every `intervalMs`. Does nothing for an IP address or 0. */
  constructor(hostname: string, intervalMs: number, onChange: () => void) {
    this.#hostname = hostname;
    this.#onChange = onChange;
    if (isIP(hostname) !== 0 || intervalMs === 0) return;
    void this.#look();
    this.#timer = setInterval(() => void this.#look(), intervalMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const before = this.#known;
    try {
      const addresses = await lookup(this.#hostname, { all: true });
      // Resolvers return the same addresses in changing order.
      this.#known = addresses
        .map(({ address }) => address)
        .sort()
        .join(' ');
    } catch {
      return; // a request that has to connect reports the error as its fault
    }
    if (before !== undefined && before !== this.#known) this.#onChange();
  }
}
