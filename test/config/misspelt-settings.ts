import test from 'ava';
import { ConfigError, readConfig } from '../../src/config/config.ts';
import { findMisspeltSettings } from '../../src/config/misspelt-settings.ts';

const NONE: ReadonlySet<string> = new Set();

for (const [name, setting] of [
  ['NEXTHOP_LOGDIR', 'LOG_DIR'],
  ['NEXTHOP_PORT', 'PORT'],
  ['NEXT_HOP_FUNCTION_TIMOUT', 'FUNCTION_TIMEOUT'],
  ['NEXTHOP', 'NEXT_HOP'],
  ['NEXT_HOPS', 'NEXT_HOP'],
  ['NEXT_HPO', 'NEXT_HOP'],
  ['next_hop', 'NEXT_HOP'],
  ['NEXT_HOP_URL', 'NEXT_HOP'],
  ['NEXT_HOP_PORT', 'NEXT_HOP'],
  ['LOGDIR', 'LOG_DIR'],
  ['LOGLEVEL', 'LOG_LEVEL'],
  ['DATADIR', 'DATA_DIR'],
  ['FUNCTIONS_TIMEOUT', 'FUNCTION_TIMEOUT'],
  ['DRIAN_TIMEOUT', 'DRAIN_TIMEOUT'],
  ['KV_BINDING', 'KV_BINDINGS'],
  ['TRUSTEDPROXIES', 'TRUSTED_PROXIES'],
  ['JOB_CONCURENCY', 'JOB_CONCURRENCY'],
  ['PORTT', 'PORT'],
  ['PPORT', 'PORT'],
  ['PROT', 'PORT'],
  ['HSOT', 'HOST'],
  ['WOKRERS', 'WORKERS'],
  ['CONTRY', 'COUNTRY'],
  ['REDIS_ULR', 'REDIS_URL'],
  ['LOG_DRI', 'LOG_DIR'],
  ['DATAA_DIR', 'DATA_DIR'],
] as const) {
  test(`the variable ${name} is reported as a misspelt ${setting}`, (t) => {
    t.deepEqual(findMisspeltSettings({ [name]: '1' }, { given: NONE }), [{ name, setting }]);
    t.deepEqual(findMisspeltSettings({ [name]: '1' }, { given: new Set([setting]) }), []);
  });
}

/** Variables that other programs set, by their origin. */
const PLAIN: Readonly<Record<string, string>> = {
  'a shell':
    'HOME USER LOGNAME SHELL PATH PWD OLDPWD LANG LC_ALL TERM TMPDIR HOSTNAME HOSTTYPE SHLVL EDITOR PAGER _ TZ',
  'the image of Node': 'NODE_VERSION YARN_VERSION NODE_ENV NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS',
  npm: 'npm_config_loglevel npm_config_port npm_config_log_dir_x npm_lifecycle_event npm_package_name npm_execpath INIT_CWD COLOR',
  Kubernetes:
    'KUBERNETES_SERVICE_HOST KUBERNETES_PORT KUBERNETES_PORT_443_TCP_ADDR NEXT_HOP_SERVICE_HOST NEXT_HOP_SERVICE_PORT NEXT_HOP_SERVICE_PORT_HTTP NEXT_HOP_PORT_80_TCP NEXT_HOP_PORT_80_TCP_ADDR NEXTHOP_PORT_8080_TCP_PROTO NEXTHOP_SERVICE_HOST REDIS_SERVICE_HOST REDIS_PORT_6379_TCP_PORT POD_NAME POD_IP',
  'links of Docker': 'NEXT_HOP_NAME NEXT_HOP_ENV_PATH',
  Heroku: 'DYNO WEB_CONCURRENCY MEMORY_AVAILABLE REDIS_TLS_URL DATABASE_URL MAX_OLD_SPACE SOURCE_VERSION',
  Railway: 'REDISHOST REDISPORT REDISUSER REDISPASSWORD REDIS_URI RAILWAY_ENVIRONMENT RAILWAY_PUBLIC_DOMAIN',
  'Google Cloud':
    'K_SERVICE K_REVISION FUNCTION_TARGET FUNCTION_SIGNATURE_TYPE FUNCTION_NAME FUNCTION_REGION FUNCTION_TIMEOUT_SEC',
  AWS: 'AWS_REGION AWS_DEFAULT_REGION AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_TIMEOUT ECS_CONTAINER_METADATA_URI',
  Netlify: 'URL SITE_ID SITE_NAME CONTEXT DEPLOY_URL NETLIFY NETLIFY_DEV DEPLOY_ID',
  'other programs':
    'PORTS HOSTS POST COST HOT WORKER REGIONS CACHED HOSTNAME VIM BODYS LOG_DIRS REDIS_URLS SSH_PORT HTTP_PORT APP_PORT WEB_HOST DB_HOST DB_PORT TRUST_PROXY TRUSTED_PROXY HTTP_PROXY no_proxy LOG_FILE LOG_FORMAT DATA_URL REDIS_DB REDIS_HOSTS DEVELOPMENT DEVICE GEOIP_DB HTTP_IDLE_TIMEOUT DB_CONNECT_TIMEOUT DB_QUEUE JOB_NAME CACHE_DIR BASE_URL PHOTOSHOP HOP_COUNT SHOP_URL MAX_UPLOADS STORE_ID ASTRO_TELEMETRY_DISABLED',
};

for (const [origin, names] of Object.entries(PLAIN)) {
  test(`variables of other programs are not reported: ${origin}`, (t) => {
    const env = Object.fromEntries(names.split(' ').map((name) => [name, '1']));

    t.deepEqual(findMisspeltSettings(env, { given: NONE }), []);
    t.deepEqual(findMisspeltSettings(env, { given: NONE, isForSite: true }), []);
  });
}

test('variables that Kubernetes sets for a service named next-hop are recognised by their value', (t) => {
  t.deepEqual(
    findMisspeltSettings({ NEXT_HOP_PORT: 'tcp://10.0.0.1:80', NEXTHOP_PORT: 'tcp://10.0.0.1:80' }, { given: NONE }),
    [],
  );
});

test('in the .env of a site, names of other programs are not reported', (t) => {
  t.deepEqual(findMisspeltSettings({ LOGDIR: '1', REDISURL: '1' }, { given: NONE, isForSite: true }), []);
});

test('in the .env of a site, typing errors in names of other programs are reported', (t) => {
  t.deepEqual(findMisspeltSettings({ PORTT: '1', REDIS_ULR: '1' }, { given: NONE, isForSite: true }), [
    { name: 'PORTT', setting: 'PORT' },
    { name: 'REDIS_ULR', setting: 'REDIS_URL' },
  ]);
});

test('in the .env of a site, a typing error is reported although the process has the setting', (t) => {
  const given = new Set(['PORT', 'NEXT_HOP']);

  t.deepEqual(findMisspeltSettings({ PORTT: '1', NEXT_HOPS: '1' }, { given, isForSite: true }), [
    { name: 'PORTT', setting: 'PORT' },
  ]);
});

test('an unknown name in the settings of createMiddleware is refused with the nearest name', (t) => {
  t.throws(() => readConfig({ env: {}, flags: { LOGDIR: 'x', NONSENSE: 'y' } }), {
    instanceOf: ConfigError,
    message: 'LOGDIR is no setting; did you mean LOG_DIR?\nNONSENSE is no setting; docs/settings.md lists them',
  });
});
