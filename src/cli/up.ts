import type { AddressInfo } from 'node:net';
import { isIPv6 } from 'node:net';
import type { Command } from 'commander';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import type { LoadedSettings } from '../config/settings.ts';
import { KitError } from '../kit/errors.ts';
import type { DemoReport } from '../pipelines/demo.ts';
import type { Platform } from '../pipelines/platform.ts';
import { apiSettings } from './api-settings.ts';
import { telemetryOf } from './cluster-health.ts';
import { type DemoFlags, demoOptions } from './demo.ts';
import { Progress, print } from './output.ts';
import { demoText } from './reports.ts';
import { announce, runningServer, withdraw } from './running-server.ts';
import type { ServedDrills } from './served-drills.ts';
import { untilSignal } from './signals.ts';
import type { VerbContext } from './verbs.ts';

interface UpFlags {
  readonly demo: boolean;
  readonly demoEvents?: number;
  readonly demoSeed?: number;
  readonly demoRate?: number;
  readonly demoPoison?: number;
  readonly real?: boolean;
}

/** After this a shutdown that hangs is cut short: what was acknowledged is safe either way. */
const SHUTDOWN_TIMEOUT_MS = 9_500;
/** What the parts of a shutdown share; what of it is left is for the last of them. */
const SHUTDOWN_BUDGET_MS = 9_000;
/** Of that, what a drill has to end; it goes on ending by itself afterwards. */
const DRILL_SHUTDOWN_MS = 5_000;
const PROGRESS_MS = 200;

export function upVerb(program: Command, context: VerbContext): void {
  demoOptions(
    context.verb(program, 'up', 'run StreamSocial: log, projections, HTTP API and page, until Ctrl-C'),
    'demo-',
  )
    .option('--no-demo', 'without the demo at the start')
    .action((flags: UpFlags) => up(context.loaded, flags));
}

async function up(loaded: LoadedSettings, flags: UpFlags): Promise<void> {
  const { settings } = loaded;
  const signal = untilSignal();
  const logger = pino({ level: settings.logLevel === 'info' ? 'warn' : settings.logLevel }, pino.destination(2));
  const other = await runningServer(settings.dataDir);
  if (other !== null)
    throw new KitError(
      'ALREADY_RUNNING',
      `StreamSocial runs already at ${other.url} (pid ${other.pid}) on ${settings.dataDir}`,
    );

  const [{ openPlatform }, { buildApi }, { LaunchedControl }, { drillMark, ServedDrills }] = await Promise.all([
    import('../pipelines/open-platform.ts'),
    import('../api/build-api.ts'),
    import('./cluster-control.ts'),
    import('./served-drills.ts'),
  ]);
  const platform = await openPlatform(settings, {
    consume: true,
    logger,
    telemetry: telemetryOf(settings),
    serve: loaded.origins.brokerPort.source === 'default' ? 'on this port or another' : 'on this port',
  });
  const cluster = new LaunchedControl(loaded);
  const drills = new ServedDrills(settings.dataDir, (run) => platform.pulse.marks.add(drillMark(run)));
  const api = buildApi({ platform, settings: apiSettings(settings), logger, cluster, drills });
  try {
    const url = await listen(api, loaded);
    const { broker } = platform;
    announce(settings.dataDir, { url, pid: process.pid, log: settings.log, broker });
    print(banner(url, broker, loaded));
    if (flags.demo) void showDemo(platform, demoOf(flags));
    await signal;
    print('stopping…');
  } finally {
    withdraw(settings.dataDir);
    await close(api, platform, drills);
  }
  process.exit(process.exitCode ?? 0);
}

async function close(api: FastifyInstance, platform: Platform, drills: ServedDrills): Promise<void> {
  const cut = setTimeout(() => {
    process.stderr.write('the shutdown took too long and was cut short; what was acknowledged is in the log\n');
    process.exit(1);
  }, SHUTDOWN_TIMEOUT_MS);
  const endMs = performance.now() + SHUTDOWN_BUDGET_MS;
  await Promise.all([api.close(), platform.stopConsuming(), drills.close(DRILL_SHUTDOWN_MS)]);
  await platform.close(endMs - performance.now());
  clearTimeout(cut);
}

/** A port that nobody asked for gives way to a free one; one that was asked for does not. */
async function listen(api: FastifyInstance, { settings, origins }: LoadedSettings): Promise<string> {
  const { webHost: host, webPort: port } = settings;
  try {
    await api.listen({ host, port });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    if (origins.webPort.source !== 'default')
      throw new KitError('PORT_IN_USE', `Port ${port} on ${host} is taken; choose another with --web-port (0: any)`, {
        cause,
      });
    process.stderr.write(`port ${port} is taken: using a free one\n`);
    await api.listen({ host, port: 0 });
  }
  const bound = (api.server.address() as AddressInfo).port;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${bound}`;
}

function banner(url: string, broker: string | null, { settings }: LoadedSettings): string {
  const log =
    settings.log === 'embedded'
      ? `embedded, in ${settings.dataDir}`
      : `Kafka at ${settings.kafkaBootstrap.join(',')}, projections in Redis at ${settings.redisHost}:${settings.redisPort}`;
  const kafka = broker === null ? '' : `\n  Kafka    ${broker} (any client: kcat -b ${broker} -L)`;
  return `StreamSocial is running at ${url}\n  log      ${log}${kafka}\n  API      ${url}/openapi.json\n  metrics  ${url}/metrics\n  Ctrl-C stops it`;
}

function demoOf(flags: UpFlags): DemoFlags {
  return {
    ...(flags.demoEvents === undefined ? {} : { events: flags.demoEvents }),
    ...(flags.demoSeed === undefined ? {} : { seed: flags.demoSeed }),
    ...(flags.demoRate === undefined ? {} : { rate: flags.demoRate }),
    ...(flags.demoPoison === undefined ? {} : { poison: flags.demoPoison }),
    ...(flags.real === undefined ? {} : { real: flags.real }),
  };
}

async function showDemo({ controller }: Platform, { rate, poison, ...flags }: DemoFlags): Promise<void> {
  const progress = new Progress();
  const started = controller.startDemo({
    ...flags,
    ...(rate === undefined ? {} : { ratePerSecond: rate }),
    ...(poison === undefined ? {} : { poisonShare: poison }),
  });
  print(`running the demo (seed ${started.seed})…`);
  const watch = setInterval(() => {
    const report: DemoReport | null = controller.demo();
    if (report?.state === 'RUNNING')
      progress.update(
        `  ${report.published} of ${report.requested} published, ${report.applied} applied, ${report.parked} parked`,
      );
  }, PROGRESS_MS);
  const report = await controller.demoEnded();
  clearInterval(watch);
  progress.clear();
  print(demoText(report));
}
