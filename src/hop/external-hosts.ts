import { BlockList, isIP } from 'node:net';
import { toPlainAddress } from '../contract/client.ts';
import { isPrivateAddress } from '../contract/private-address.ts';

/** Addresses that also lead to this machine, or to no single one. */
const OWN = new BlockList();
OWN.addSubnet('0.0.0.0', 8, 'ipv4');
OWN.addSubnet('224.0.0.0', 3, 'ipv4');
OWN.addAddress('::', 'ipv6');
OWN.addSubnet('ff00::', 8, 'ipv6');

/** The hosts that rules of a site may name, and the addresses that their names may lead to. */
export class ExternalHosts {
  readonly #allowed: ReadonlySet<string>;

  /** `allowed`: names of hosts; if it is empty, every host may be named. */
  constructor(allowed: readonly string[]) {
    this.#allowed = new Set(allowed.map((host) => host.toLowerCase()));
  }

  /** Why no request is sent to a host (name or address, without port); undefined if requests may be sent. */
  findObstacle(host: string): string | undefined {
    if (this.#allowed.size === 0 || this.#allowed.has(host.toLowerCase())) return undefined;
    return `PROXY_HOSTS does not name ${host}`;
  }

  /**
   * Whether a name may lead to this address. A private address could be any internal server: it is allowed only for a
   * rule that names an address or `localhost`, and for hosts in PROXY_HOSTS.
   */
  mayLeadTo(host: string, address: string): boolean {
    const isNamed = this.#allowed.has(host.toLowerCase()) || host.toLowerCase() === 'localhost';
    return isNamed || !isInside(toPlainAddress(address));
  }

  /**
   * Why no request is sent to a host that a client names; undefined if requests may be sent. Unlike a rule, a client does not mean a private
   * address because it names one. What a name leads to is checked when it is looked up.
   */
  findClientObstacle(host: string): string | undefined {
    const name = host.toLowerCase();
    if (this.#allowed.has(name)) return undefined;
    const address = name.replace(/^\[|\]$/g, '');
    const isOwn = isIP(address) > 0 ? isInside(toPlainAddress(address)) : /^(?:.*\.)?localhost\.?$/.test(name);
    return isOwn ? `${host} is a private address; PROXY_HOSTS may allow it` : this.findObstacle(host);
  }
}

function isInside(address: string): boolean {
  return isPrivateAddress(address) || OWN.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
