/** The name in a Host header: in lower case and without the port, which may follow the brackets of an IPv6 address. */
export function toHostname(host: string): string {
  const colon = host.indexOf(':', host.lastIndexOf(']') + 1);
  return (colon < 0 ? host : host.slice(0, colon)).toLowerCase();
}
