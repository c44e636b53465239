import { join } from 'node:path';
import type { Command } from 'commander';
import { bootstrapOf } from '../cluster/report.ts';
import { readState } from '../cluster/state.ts';
import { clusterTelemetry } from '../cluster/telemetry.ts';
import type { LoadedSettings, Settings } from '../config/settings.ts';
import { KitError } from '../kit/errors.ts';
import type { BrokerTelemetry } from '../kit/monitoring/broker-telemetry.ts';
import type { BrokerHealth, ClusterReport } from '../kit/monitoring/cluster-report.ts';
import { remoteClient } from './client.ts';
import { EXIT, print, printJson, table } from './output.ts';
import { runningServer } from './running-server.ts';
import type { VerbContext } from './verbs.ts';

/** Rates are between two looks. */
const BETWEEN_LOOKS_MS = 1_000;

/** What the launcher in the data directory knows, as long as it runs the brokers that are set. */
export function telemetryOf({ dataDir, kafkaBootstrap }: Settings): BrokerTelemetry {
  return clusterTelemetry(clusterDirectory({ dataDir }), kafkaBootstrap);
}

export function clusterDirectory({ dataDir }: Pick<Settings, 'dataDir'>): string {
  return join(dataDir, 'cluster');
}

export function clusterHealthVerb(noun: Command, context: VerbContext): void {
  context
    .verb(noun, 'health', 'brokers and their states, partitions, groups; exit code 1 unless all is well')
    .option('--json', 'print JSON')
    .action(async (flags: { json?: boolean }) => {
      const report = await look(context.loaded);
      if (flags.json) printJson(report);
      else print(healthText(report));
      if (report.broker_count === 0) throw new KitError('UNREACHABLE', report.error ?? 'no broker answers');
      if (report.status !== 'healthy') process.exitCode = EXIT.failed;
    });
}

/** A running server remembers more; without one the cluster itself is asked, twice. */
async function look({ settings, origins }: LoadedSettings): Promise<ClusterReport> {
  const server = await runningServer(settings.dataDir);
  if (server?.log === 'kafka')
    return remoteClient(server.url, settings.authToken).request<ClusterReport>('GET', '/api/v1/health/kafka');
  const launched = await readState(clusterDirectory(settings));
  // Whoever names no brokers means those that were launched here, wherever their ports are.
  const isMeant = launched !== undefined && origins.kafkaBootstrap.source === 'default';
  const bootstrap = isMeant ? bootstrapOf(launched) : settings.kafkaBootstrap;
  const { ClusterHealth } = await import('../kit/monitoring/cluster-health.ts');
  const health = new ClusterHealth({
    bootstrap,
    telemetry: clusterTelemetry(clusterDirectory(settings), bootstrap),
    maxAgeMs: BETWEEN_LOOKS_MS / 2,
  });
  try {
    const first = await health.report();
    if (first.broker_count === 0) return first;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
    return await health.report();
  } finally {
    health.close();
  }
}

export function healthText(report: ClusterReport): string {
  const controller =
    report.controller_id < 0
      ? 'no controller'
      : `controller ${report.controller_id} (epoch ${report.controller_epoch}, ${report.controller_elections} elections seen)`;
  const lines = [
    `${report.status}: ${report.broker_count} of ${report.brokers.length} brokers answer, ${controller}`,
    partitionsText(report),
    `in: ${amount(report.messages_in_per_second)} messages/s, ${amount(report.bytes_in_per_second)} bytes/s`,
    '',
    table(
      ['broker', 'address', 'role', 'state', 'leads', 'replicas', 'out of sync', 'messages/s', 'produce p99', 'why'],
      report.brokers.map(brokerRow),
    ),
  ];
  if (report.groups.length > 0) {
    lines.push(
      '',
      table(
        ['group', 'state', 'members', 'lag', 'lag in seconds'],
        report.groups.map(({ group, state, members, lag, lag_seconds }) => [
          group,
          state ?? '-',
          amount(members),
          lag,
          amount(lag_seconds, 1),
        ]),
      ),
    );
  }
  if (report.incomplete.length > 0) lines.push('', ...report.incomplete.map((what) => `not known: ${what}`));
  return lines.join('\n');
}

function partitionsText(report: ClusterReport): string {
  if (report.broker_count === 0) return 'partitions: not known, as no broker answers';
  return (
    `partitions: ${report.offline_partitions} offline, ${report.under_replicated_partitions} under-replicated, ` +
    `${report.under_min_isr_partitions} under min ISR, ${report.non_preferred_leaders} not led by the preferred replica; ` +
    `leader skew ${amount(report.leader_skew, 2)}`
  );
}

function brokerRow(broker: BrokerHealth): (string | number)[] {
  return [
    String(broker.id),
    broker.host === null ? '-' : `${broker.host}:${broker.port}`,
    broker.role ?? '-',
    broker.state,
    broker.leaders,
    broker.replicas,
    broker.out_of_sync,
    amount(broker.messages_in_per_second),
    broker.request_latency_p99_ms.produce === null ? '-' : `${amount(broker.request_latency_p99_ms.produce)} ms`,
    broker.state === 'RUNNING' ? '' : broker.reason,
  ];
}

function amount(value: number | null, digits = 0): string {
  return value === null ? '-' : value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
