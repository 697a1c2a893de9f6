/**
 * The headers of every request except Host: those that a browser sends, and those that the platform adds in front of the module. With Host there are ten.
 */
export const REQUEST_HEADERS: Readonly<Record<string, string>> = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language': 'en-GB,en;q=0.7,de;q=0.3',
  'Accept-Encoding': 'gzip, deflate, br',
  Cookie: 'session=4f9c1c2b8e7d4a31; theme=dark; consent=all',
  'X-Forwarded-For': '203.0.113.7, 10.1.2.3',
  'X-Forwarded-Proto': 'https',
  'True-Client-IP': '203.0.113.7',
  'section-io-id': '9b2f0c5d1e6a47f38c0b7d2e5a914f60',
};
