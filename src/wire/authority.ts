import { isIPv6 } from 'node:net';

const REG_NAME = /^(?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})+(?::(\d{0,5}))?$/;
const PLAIN_NAME = /^[a-z\d.-]+(?::\d{1,4})?$/;
const IP_LITERAL = /^\[([\dA-Fa-f:.]+)\](?::(\d{0,5}))?$/;

/**
 * Whether `text` is uri-host [ ":" port ] (RFC 9110 7.2, RFC 3986 3.2.2), without user information.
 * No future kind of IP literal was ever defined.
 */
export function isAuthority(text: string): boolean {
  if (PLAIN_NAME.test(text)) return true;
  if (text.startsWith('[')) {
    const [, address = '', port] = IP_LITERAL.exec(text) ?? [];
    return isIPv6(address) && isPort(port);
  }
  const name = REG_NAME.exec(text);
  return name !== null && isPort(name[1]);
}

/** The grammar allows an empty port: then it is the scheme's. */
function isPort(digits: string | undefined): boolean {
  return digits === undefined || Number(digits) <= 65_535;
}
