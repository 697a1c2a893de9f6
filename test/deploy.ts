import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { type Config, readConfig } from '../src/config/config.ts';
import { SETTINGS } from '../src/config/settings.ts';
import { startNexthop } from './helpers/process.ts';
import { startRedis } from './helpers/redis-server.ts';
import { untilResult } from './helpers/until-result.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');
const DEPLOY = join(ROOT, 'examples/deploy');

/** js-yaml has no types. */
const yaml: { loadAll(text: string): unknown[] } = createRequire(import.meta.url)('js-yaml');

type Env = Readonly<Record<string, string>>;

interface Service {
  readonly environment?: Env;
  readonly read_only?: boolean;
  readonly stop_grace_period?: string;
  readonly volumes?: readonly string[];
}

interface Container {
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: object;
        readonly containers: readonly [Container];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

interface KubernetesService {
  readonly spec: { readonly selector: object };
}

async function load(name: string): Promise<unknown[]> {
  return yaml.loadAll(await readFile(join(DEPLOY, name), 'utf8'));
}

async function composeServices(): Promise<Readonly<Record<string, Service>>> {
  const [file] = await load('compose.yaml');
  return (file as { readonly services: Readonly<Record<string, Service>> }).services; // its keys are checked below
}

/** The settings that nexthop reads there. Throws for an invalid value, and for a name that is no setting. */
function settingsOf(env: Env): Config {
  for (const name of Object.keys(env)) {
    if (!(name in SETTINGS) && name !== 'NODE_ENV') throw new Error(`${name} is no setting`);
  }
  return readConfig({ env });
}

/** The longest time from SIGTERM to the end of the process. */
function longestEndMs({ DRAIN_DELAY, DRAIN_TIMEOUT }: Config): number {
  return DRAIN_DELAY + DRAIN_TIMEOUT + 1000;
}

async function unit(): Promise<{ text: string; values(key: string): string[] }> {
  const text = await readFile(join(DEPLOY, 'nexthop.service'), 'utf8');
  return {
    text,
    values: (key) => [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value),
  };
}

/** Titles say why a test is skipped. */
async function available(program: string): Promise<boolean> {
  return run('sh', ['-c', `command -v ${program}`]).then(
    () => true,
    () => false,
  );
}

const hasSystemd = await available('systemd-analyze');
const hasLogrotate = (await available('logrotate')) && process.getuid?.() === 0;
const hasKubectl = await available('kubectl');

test('the systemd unit sets only settings, and waits for the longest drain', async (t) => {
  const { values } = await unit();
  const config = settingsOf(Object.fromEntries(values('Environment').map((entry) => entry.split(/=(.*)/, 2))));

  t.true(Number.parseInt(values('TimeoutStopSec')[0] ?? '', 10) * 1000 > longestEndMs(config));
  t.is(`/var/log/${values('LogsDirectory')[0]}`, config.LOG_DIR);
  t.is(`/var/lib/${values('StateDirectory')[0]}`, config.DATA_DIR);
  t.deepEqual(values('RestartPreventExitStatus'), ['2 78']);
});

(hasSystemd ? test : test.skip)('systemd accepts the unit (needs systemd-analyze)', async (t) => {
  const folder = await temporaryFolder(t);
  const { text } = await unit();
  const path = join(folder, 'nexthop.service');
  await writeFile(path, text.replace('/usr/bin/node', process.execPath));

  const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', path]);

  t.notRegex(`${stdout}${stderr}`, /nexthop\.service/);
});

(hasLogrotate ? test : test.skip)(
  'the logrotate recipe rotates the logs of a running nexthop, which loses no line (needs root and logrotate)',
  async (t) => {
    const running = await startNexthop(t, { env: { NEXT_HOP: 'http://127.0.0.1:1' } });
    const recipe = (await readFile(join(DEPLOY, 'logrotate.conf'), 'utf8'))
      .replace('/var/log/nodejs', running.logDir)
      .replace('su nexthop nexthop', 'su root root')
      .replace(/systemctl kill .*/, `kill -USR2 ${running.pid}`);
    const path = join(await temporaryFolder(t), 'nexthop');
    await writeFile(path, recipe);
    // logrotate reads no file, and rotates in no folder, that others may change.
    await chmod(path, 0o644);
    await chmod(running.logDir, 0o755);
    const ask = () => fetch(`http://127.0.0.1:${running.port}/x`);
    const lines = async (name: string) => (await readFile(join(running.logDir, name), 'utf8')).split('\n').length - 1;

    await ask();
    await untilResult(
      () => lines('access.log'),
      (count) => count === 1,
    );
    await run('logrotate', ['--force', '--state', `${path}.state`, path]);
    await untilResult(
      () => readdir(running.logDir),
      (names) => names.includes('access.log') && names.includes('error.log'),
    );
    await ask();

    await untilResult(
      () => lines('access.log'),
      (count) => count === 1,
    );
    t.is(await lines('access.log.1'), 1);
  },
);

test('the Kubernetes manifest sets only settings, probes READY_PATH, and waits for the longest drain', async (t) => {
  const [deployment, service] = (await load('kubernetes.yaml')) as [Deployment, KubernetesService];
  const pod = deployment.spec.template.spec;
  const [container] = pod.containers;
  const config = settingsOf(Object.fromEntries(container.env.map(({ name, value }) => [name, value])));

  t.true(pod.terminationGracePeriodSeconds * 1000 > longestEndMs(config));
  for (const { httpGet } of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
    t.deepEqual(httpGet, { path: config.READY_PATH, port: 'http' });
  }
  t.deepEqual(container.ports, [{ name: 'http', containerPort: config.PORT }]);
  t.like(container.securityContext, { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
  t.like(pod.securityContext, { runAsNonRoot: true });
  t.deepEqual(
    container.volumeMounts.map(({ mountPath }) => mountPath).sort(),
    [config.DATA_DIR, config.LOG_DIR].sort(),
  );
  t.deepEqual(pod.volumes.map(({ name }) => name).sort(), container.volumeMounts.map(({ name }) => name).sort());
  t.deepEqual(service.spec.selector, deployment.spec.template.metadata.labels);
});

(hasKubectl ? test : test.skip)('kubectl reads the Kubernetes manifest (needs kubectl)', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'nexthop.yaml'), await readFile(join(DEPLOY, 'kubernetes.yaml')));
  await writeFile(join(folder, 'kustomization.yaml'), 'resources: [nexthop.yaml]\n');

  const { stdout } = await run('kubectl', ['kustomize', folder]);

  t.deepEqual(stdout.match(/^kind: \w+$/gm)?.sort(), ['kind: Deployment', 'kind: Service']);
});

test('each nexthop of the compose file sets only settings, is read-only, and has time for the longest drain', async (t) => {
  const { outer, inner } = await composeServices();

  for (const service of [outer, inner]) {
    const config = settingsOf(service?.environment ?? {});
    t.true(Number.parseInt(service?.stop_grace_period ?? '', 10) * 1000 > longestEndMs(config));
    t.true(service?.read_only);
    const folders = service?.volumes?.map((volume) => volume.split(':')[1]);
    t.true(folders?.includes(config.LOG_DIR) && folders.includes(config.DATA_DIR));
  }
});

test('the two nexthops of the compose file forward through each other to the origin', async (t) => {
  const { outer, inner } = await composeServices();
  const redis = await startRedis(t);
  const origin = createServer(({ headersDistinct: { via } }, response) => response.end(String(via)));
  origin.listen(0, '127.0.0.1');
  t.teardown(() => origin.close());
  await once(origin, 'listening');
  const start = async (service: Service | undefined, nextHop: string, site?: string) => {
    const { DATA_DIR: _, ...environment } = { ...service?.environment };
    const DATA_DIR = await temporaryFolder(t);
    const env = { ...environment, DATA_DIR, NEXT_HOP: nextHop, REDIS_URL: redis.url };
    return startNexthop(t, { env, ...(site && { site }) });
  };
  const { port } = origin.address() as { readonly port: number }; // it listens on a port
  const second = await start(inner, `http://127.0.0.1:${port}`);
  const first = await start(outer, `http://127.0.0.1:${second.port}`, join(ROOT, 'examples/hello'));

  const forwarded = await (await fetch(`http://127.0.0.1:${first.port}/x`)).text();
  const answered = await (await fetch(`http://127.0.0.1:${first.port}/api/hello`)).text();

  t.is(forwarded, '1.1 outer,1.1 inner');
  t.is(answered, 'Hello from a function!\n');
});

async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-deploy-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
