import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { type ClusterReport, clusterStatus, type ServerReport } from '../cluster/report.ts';
import { clusterTelemetry } from '../cluster/telemetry.ts';
import { KitError } from '../kit/errors.ts';
import { ClusterHealth } from '../kit/monitoring/cluster-health.ts';
import type { BrokerHealth, ClusterReport as HealthReport } from '../kit/monitoring/cluster-report.ts';
import { EXIT, print, printJson, table } from './output.ts';
import { untilSignal } from './signals.ts';
import { integer, type VerbContext } from './verbs.ts';

interface StatusFlags {
  readonly watch?: boolean;
  readonly interval: number;
  readonly json?: boolean;
}

export function statusVerb(noun: Command, context: VerbContext, directory: () => string): void {
  context
    .verb(noun, 'status', 'what runs; exit code 3 when nothing does')
    .option('-w, --watch', 'look again and again until Ctrl-C')
    .option('--interval <s>', 'between two looks of --watch', integer(1, 3_600), 1)
    .option('--json', 'print JSON, one object a look')
    .action(async (flags: StatusFlags) => {
      if (flags.watch) return watch(directory(), flags);
      const report = await clusterStatus(directory());
      if (report === undefined) throw new KitError('UNREACHABLE', nothingIn(directory()));
      const health = new KafkaHealth(directory());
      try {
        show(report, await health.of(report), flags);
      } finally {
        health.close();
      }
      if (report.servers.some(({ answers }) => !answers)) process.exitCode = EXIT.failed;
    });
}

async function watch(directory: string, flags: StatusFlags): Promise<void> {
  const stop = new AbortController();
  untilSignal().then(() => stop.abort());
  const health = new KafkaHealth(directory);
  try {
    while (!stop.signal.aborted) {
      const report = await clusterStatus(directory);
      const kafka = report === undefined ? null : await health.of(report);
      if (!flags.json && process.stdout.isTTY) process.stdout.write('\x1b[H\x1b[J');
      if (report !== undefined) show(report, kafka, flags);
      else if (flags.json) printJson({ directory, servers: [] });
      else print(nothingIn(directory));
      await delay(flags.interval * 1000, undefined, { signal: stop.signal }).catch(() => {});
    }
  } finally {
    health.close();
  }
}

function show(report: ClusterReport, health: HealthReport | null, { json }: StatusFlags): void {
  if (json) printJson({ ...report, kafka: health });
  else print(health === null ? statusText(report) : `${statusText(report, health.brokers)}\n${summary(health)}`);
}

/** One look after the other at the same brokers, so that what is between two of them shows. */
class KafkaHealth {
  readonly #directory: string;
  #bootstrap = '';
  #source: ClusterHealth | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async of({ bootstrap, servers }: ClusterReport): Promise<HealthReport | null> {
    if (!servers.some(({ alive }) => alive)) return null;
    if (this.#bootstrap !== bootstrap.join()) {
      this.close();
      this.#bootstrap = bootstrap.join();
      this.#source = new ClusterHealth({ bootstrap, telemetry: clusterTelemetry(this.#directory, bootstrap) });
    }
    return this.#source?.report() ?? null;
  }

  close(): void {
    this.#source?.close();
    this.#source = null;
    this.#bootstrap = '';
  }
}

export function statusText({ servers }: ClusterReport, brokers: readonly BrokerHealth[] = []): string {
  const headings = ['server', 'address', 'pid', 'process', 'state', 'role', 'leads', 'out of sync', 'log'];
  const rows = servers.map((server) => {
    const broker = brokers.find(({ id }) => server.name === `kafka-${id}`);
    const figures =
      broker === undefined
        ? ['', '', '', '']
        : [broker.state, broker.role ?? '', String(broker.leaders), `${broker.out_of_sync} of ${broker.replicas}`];
    return [
      server.name,
      `127.0.0.1:${server.port}`,
      String(server.pid),
      processText(server),
      ...figures,
      server.logFile,
    ];
  });
  const shown = headings.map((_, column) => rows.some((row) => row[column] !== ''));
  const keep = <T>(row: readonly T[]): T[] => row.filter((_, column) => shown[column]);
  return table(keep(headings), rows.map(keep));
}

function processText({ answers, paused, alive, ended }: ServerReport): string {
  if (answers) return 'answers';
  if (paused) return 'paused';
  return alive ? 'silent' : (ended ?? 'gone');
}

function summary(health: HealthReport): string {
  const { status, controller_id, under_replicated_partitions, under_min_isr_partitions, offline_partitions } = health;
  return [
    `\nKafka is ${status}; controller ${controller_id < 0 ? 'none' : controller_id}`,
    `partitions under-replicated ${under_replicated_partitions}, under min ISR ${under_min_isr_partitions}, offline ${offline_partitions}`,
  ].join('; ');
}

function nothingIn(directory: string): string {
  return `no cluster runs in ${directory} (streamsocial cluster up)`;
}
