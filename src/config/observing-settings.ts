import * as kind from './setting.ts';
import { type Setting, setting } from './setting.ts';

/** Settings of logs, metrics and traces: of all that only shows what nexthop does. */
export const OBSERVING_SETTINGS = {
  LOG_DIR: setting(kind.anyText, '/var/log/nodejs', 'folder of all log files; empty: stdout and stderr'),
  LOG_LEVEL: setting(kind.oneOf('info', 'warn', 'error'), 'info', 'lowest level that is written to error.log'),
  LOG_STDOUT: setting(kind.flag, '0', '1 copies access.log and functions.log to stdout and error.log to stderr'),
  LOG_SHORT_ADDRESSES: setting(kind.flag, '0', '1 replaces the last part of client addresses in the logs by zero'),
  LOG_STRICT: setting(
    kind.flag,
    '0',
    '1: READY_PATH answers 503 while a log file cannot be written, such as on a full disk',
  ),

  METRICS_PATH: setting(
    kind.ownPath,
    '',
    'path on PORT that answers with metrics for Prometheus, such as /.well-known/nexthop/metrics; empty: none',
  ),
  METRICS_ALLOW: setting(
    kind.trustedPeers,
    'private',
    'peers that may read METRICS_PATH: private, all, none, or CIDRs; for all others the path does not exist',
  ),
  METRICS_PORT: setting(
    kind.whole(0, 65_535),
    '0',
    'second port, with the metrics at /metrics; 0: none, as the Section contract demands',
  ),
  METRICS_HOST: setting(kind.anyText, '127.0.0.1', 'address on which METRICS_PORT is opened'),
  METRICS_HOSTS: setting(
    kind.flag,
    '0',
    '1 also counts requests by hostname: section_http_request_count_by_hostname_total',
  ),
  TRACE_TRUST: setting(
    kind.oneOf('trusted', 'all'),
    'trusted',
    'peers whose traceparent is continued by spans: trusted ones, or all',
  ),
  SERVER_TIMING: setting(
    kind.flag,
    '0',
    '1: responses have Server-Timing, with the time in nexthop and in functions, if the cache neither sends nor stores them',
  ),
  TRACE_PATHS: setting(kind.flag, '0', '1: spans of requests have their paths'),
} as const satisfies Record<string, Setting<unknown>>;
