import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/**
 * Notices that the hop's name means other addresses than before, so that connections to the old ones can be let go.
 *
 * Asks getaddrinfo, as connecting does, so /etc/hosts comes first. A name that does not resolve just now changes nothing.
 */
export class AddressWatch {
  readonly #hostname: string;
  readonly #onChange: () => void;
  readonly #timer: NodeJS.Timeout | undefined;
  #known: string | undefined;

  /** Asks each `intervalMs`, and not at all for an IP address or 0. */
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
      // Resolvers give the same addresses in another order each time.
      this.#known = addresses
        .map(({ address }) => address)
        .sort()
        .join(' ');
    } catch {
      return; // whoever connects meanwhile gets the error as the fault of a request
    }
    if (before !== undefined && before !== this.#known) this.#onChange();
  }
}
