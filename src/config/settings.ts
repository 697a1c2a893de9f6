import { CACHE_SETTINGS } from './cache-settings.ts';
import { OBSERVING_SETTINGS } from './observing-settings.ts';
import { redisUrl } from './redis-url.ts';
import { s3Url } from './s3-url.ts';
import * as kind from './setting.ts';
import { type Setting, setting } from './setting.ts';

/** Every setting there is. The name is the environment's; as a flag it is in lower case with dashes: `--log-dir`. */
export const SETTINGS = {
  PORT: setting(kind.whole(0, 65_535), '8080', 'the port to listen on; 0 uses a free one'),
  HOST: setting(kind.anyText, '', 'address to listen on; empty: all interfaces'),
  NEXT_HOP: setting(
    kind.httpOrigin,
    'http://next-hop:80',
    'URL of the next hop, which gets every request that the site does not answer; http: only',
  ),
  SERVER_CERT_PATH: setting(kind.anyText, '', 'certificate with its chain, in PEM; with SERVER_KEY_PATH: TLS on PORT'),
  SERVER_KEY_PATH: setting(kind.anyText, '', 'private key of the certificate, in PEM, without a password'),
  TRUSTED_PROXIES: setting(
    kind.trustedPeers,
    'private',
    'peers whose trust headers are accepted: private, all, none, or CIDRs',
  ),
  DATA_DIR: setting(
    kind.anyText,
    '',
    'folder of the embedded store and of compiled functions; empty: .nexthop in the site',
  ),
  REGION: setting(kind.anyText, '', 'code of this location, visible to functions'),
  DEV: setting(kind.flag, '0', "1 is for development: a failed function's message and stack are sent to the client"),
  GEO: setting(kind.oneOf('', 'mock'), '', 'mock: functions see every client in San Francisco, or in COUNTRY'),
  COUNTRY: setting(kind.country, '', 'two letters: functions see every client in this country'),

  ...OBSERVING_SETTINGS,

  HEADER_LIMIT: setting(kind.size, '32k', 'largest request head; a larger one gets 431'),
  HEADER_COUNT: setting(kind.whole(1, 10_000), '200', 'most header lines of a request; more get 431'),
  BODY_LIMIT: setting(kind.size, '0', 'largest request body; a larger one gets 413; 0: no limit'),
  MAX_CONNECTIONS: setting(kind.whole(1, 1_000_000), '10000', 'most open client connections; further ones are closed'),
  HEADERS_TIMEOUT: setting(kind.duration, '15s', 'time for a client to send a whole request head; then 408'),
  KEEP_ALIVE_TIMEOUT: setting(kind.duration, '70s', 'time for which an idle client connection stays open'),
  CLIENT_IDLE_TIMEOUT: setting(
    kind.duration,
    '60s',
    'time after which a client that neither reads its response nor sends its body is disconnected; 0: never',
  ),
  DRAIN_DELAY: setting(kind.duration, '0', 'time after SIGTERM in which the server is not ready but still listens'),
  DRAIN_TIMEOUT: setting(kind.duration, '25s', 'time after DRAIN_DELAY for requests and tunnels to finish'),
  STALL_TIMEOUT: setting(
    kind.duration,
    '10s',
    'time for which the event loop may stand still before error.log says where; after twice that time the process ends; 0: no watchdog',
  ),
  WORKERS: setting(
    kind.workers,
    'auto',
    'worker processes that serve the site; auto: as many as the container has CPUs; 0: one process, without a supervisor',
  ),
  WORKER_MEMORY_LIMIT: setting(
    kind.optionalSize,
    '',
    'heap of a worker, with its buffers, above which it is replaced; empty: 85 % of the memory of the container, divided by WORKERS; 0: no limit',
  ),
  READY_PATH: setting(
    kind.ownPath,
    '/.well-known/nexthop/ready',
    'path that answers 200, or 503 during a drain; empty: none',
  ),

  RATE_LIMIT: setting(
    kind.rateLimit,
    '',
    'requests that may pass, as NUMBER/DURATION, and "per ip", "per domain" or "per ip+domain"; further ones get 429; empty: no limit',
  ),
  RATE_LIMIT_KEYS: setting(
    kind.whole(1, 10_000_000),
    '100000',
    'most addresses and hosts that rate limits count in the memory of a process',
  ),
  RATE_LIMIT_STRICT: setting(
    kind.flag,
    '0',
    '1: limited requests get 503 while Redis, which counts them, is away; 0: each process counts for itself then',
  ),
  RATE_LIMIT_FIELDS: setting(kind.flag, '0', '1: responses of limited routes have RateLimit and RateLimit-Policy'),

  FUNCTION_BODY_LIMIT: setting(
    kind.size,
    '6m',
    'largest request body for a function; a larger one gets 413; 0: only BODY_LIMIT applies',
  ),
  FUNCTION_TIMEOUT: setting(
    kind.duration,
    '30s',
    'time from the call of a function to the head of its response; then 504; 0: no limit',
  ),

  BODY: setting(
    kind.oneOf('parsed', 'stream'),
    'parsed',
    'request.body in EdgeOne functions: parsed, as on the platform, or the standard stream',
  ),
  AGENT_TIMEOUT: setting(
    kind.duration,
    '300s',
    'time from the call of an EdgeOne agent to the end of its response; then 408, or the response is cut; 0: no limit',
  ),
  AGENT_MESSAGE_LIMIT: setting(kind.size, '5m', 'largest message of a conversation of EdgeOne agents; 0: no limit'),
  AGENT_TOOLS: setting(
    kind.anyText,
    '',
    'module of the site that gives EdgeOne agents their tools and sandbox, relative to the site; empty: none',
  ),
  EDGE_FUNCTIONS: setting(
    kind.oneOf('run', 'ignore'),
    'run',
    'run: edge functions of the site run in this process; ignore: they do not run, and what they protect is open',
  ),
  FUNCTION_STREAM_TIMEOUT: setting(
    kind.duration,
    '10s',
    'total time of a streamed response of a Netlify function; then it is cut; 0: no limit',
  ),
  FUNCTION_STREAM_LIMIT: setting(
    kind.size,
    '20m',
    'largest streamed response of a Netlify function; a larger one is cut; 0: no limit',
  ),
  FORM_BODY_LIMIT: setting(
    kind.size,
    '8m',
    'largest submission of a form of Netlify, with its files; a larger one gets 413; 0: only BODY_LIMIT applies',
  ),
  FORM_RATE: setting(
    kind.whole(0, 1_000_000),
    '60',
    'submissions of forms from one address in a minute; further ones get 429; 0: no limit',
  ),
  ASTRO_ENTRY: setting(kind.anyText, 'dist/server/entry.mjs', 'entry of an Astro build, relative to the site'),
  ASTRO_OWNS_404: setting(
    kind.flag,
    '0',
    "1: paths without a page get the Astro build's 404 page and are not forwarded",
  ),

  BACKGROUND_BODY_LIMIT: setting(
    kind.size,
    '256k',
    'largest request body for a background function; a larger one gets 413',
  ),
  BACKGROUND_TIMEOUT: setting(kind.duration, '15m', 'time for one run of a background function; then it has failed'),
  SCHEDULE_TIMEOUT: setting(kind.duration, '30s', 'time for one run of a scheduled function; then it has failed'),
  JOB_CONCURRENCY: setting(
    kind.whole(0, 10_000),
    '20',
    'background and scheduled functions that run here at once, plus one scheduled; 0: none, jobs are only stored',
  ),
  JOB_FUNCTION_CONCURRENCY: setting(kind.whole(1, 10_000), '5', 'runs of one background function here at once'),

  REDIS_URL: setting(
    redisUrl,
    '',
    'Redis, Sentinel or Cluster for shared state; empty: the embedded store in DATA_DIR',
  ),
  REDIS_PREFIX: setting(
    kind.token,
    'nexthop',
    'prefix of every key in Redis; sites that share a Redis need different ones',
  ),
  STORE_FSYNC: setting(
    kind.flag,
    '1',
    '0: stored data survives the end of this process, but possibly not of the machine',
  ),
  KV_BINDINGS: setting(
    kind.identifiers,
    '',
    'KV namespaces that functions see as global variables, separated by commas',
  ),

  BLOBS_S3: setting(
    s3Url,
    '',
    'bucket of S3, or of a server that speaks its protocol, for blobs; empty: they are in DATA_DIR',
  ),
  BLOBS_REDIS: setting(kind.flag, '0', '1: blobs are in the memory of the Redis of REDIS_URL, at most 25 MB each'),
  BLOBS_CAPTURE: setting(
    kind.flag,
    '0',
    '1: stores that Netlify functions open with a siteID and a token are those of this site, not those at Netlify',
  ),
  BLOBS_OBJECT_LIMIT: setting(kind.size, '5g', 'largest blob; a larger one is refused'),
  BLOBS_LIMIT: setting(kind.size, '0', 'most bytes of all blobs together; 0: as much as the disk or Redis can take'),

  IMAGE_CACHE_LIMIT: setting(
    kind.size,
    '500m',
    'most bytes of resized images of Netlify sites that are kept in DATA_DIR; 0: none are',
  ),

  ...CACHE_SETTINGS,

  HOP_CONNECT_TIMEOUT: setting(kind.duration, '5s', 'time to connect to the next hop; then 504'),
  HOP_FIRST_BYTE_TIMEOUT: setting(
    kind.duration,
    '110s',
    "time to the head of the hop's response; then 504; 0: no limit",
  ),
  HOP_IDLE_TIMEOUT: setting(
    kind.duration,
    '120s',
    "time between two parts of the hop's response, except event streams; 0: no limit",
  ),
  HOP_KEEP_ALIVE: setting(kind.duration, '20s', 'time for which an idle connection to the hop stays open'),
  HOP_LOOKUP_INTERVAL: setting(
    kind.duration,
    '30s',
    'time after which the name of the hop is looked up again, to follow a changed address; 0: never',
  ),
  HOP_CONNECTIONS: setting(kind.whole(1, 65_535), '256', 'most connections to the hop'),
  HOP_QUEUE: setting(kind.whole(0, 1_000_000), '1024', 'requests that may wait for a connection; further ones get 503'),
  HOP_HEADER_LIMIT: setting(kind.size, '128k', "largest head of the hop's response; a larger one gives 502"),
  APPEND_FORWARDED_FOR: setting(kind.flag, '0', '1 appends the peer to X-Forwarded-For; 0 passes the header unchanged'),
  VIA: setting(kind.token, 'nexthop', 'name of this module in Via and CDN-Loop'),
  LOOP_LIMIT: setting(kind.whole(1, 1000), '10', 'how often one request may pass modules of this name; then 508'),

  PROXY_HOSTS: setting(
    kind.hosts,
    '',
    'the only other hosts that rules of the site may forward to; also at private addresses; empty: those that rules name',
  ),
  MAX_TUNNELS: setting(
    kind.whole(0, 65_535),
    '1000',
    'most open WebSockets, to the hop and to functions; further ones get 503',
  ),
  TUNNEL_IDLE_TIMEOUT: setting(kind.duration, '1h', 'time after which a WebSocket without traffic is closed; 0: never'),

  // The platform's own names. REDIS_HOST and REDIS_PORT are also set for other things, by sites and by Kubernetes (`tcp://10.0.0.1:6379`), so
  // that they are looked at only beside the others.
  PROXY_REGO_KEY: setting(kind.anyText, '', "Section's message bus: key under which modules register; empty: no bus"),
  LIST_KEY_PREFIX: setting(kind.anyText, '', "Section's message bus: prefix of the key of this module's messages"),
  LIST_KEY_SUFFIX: setting(
    kind.anyText,
    '',
    "Section's message bus: unique suffix of this instance, e.g. the pod's name",
  ),
  REDIS_HOST: setting(kind.anyText, '', "Section's message bus: host of its Redis (the store uses REDIS_URL)"),
  REDIS_PORT: setting(kind.anyText, '6379', "Section's message bus: port of its Redis"),
  MESSAGE_CLIENT_REGISTRATION_TIMEOUT_SECONDS: setting(
    kind.whole(1, 86_400),
    '60',
    "Section's message bus: seconds between two registrations",
  ),
  REDIS_BRPOP_TIMEOUT_SECONDS: setting(
    kind.whole(1, 86_400),
    '300',
    "Section's message bus: seconds of one wait for a message",
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;

/** `LOG_DIR` → `log-dir`. */
export function toFlag(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
