/**
 * What the examples stand on: a broker of their own, in this process and in memory, or the Kafka whose `host:port` is given as
 * the first argument. And two small helpers: waiting with an end, and a table.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { TopicSpec } from 'streamsocial/kit/log/event-log';
import { KafkaAdmin } from 'streamsocial/kit/log/kafka/kafka-admin';
import { KafkaLog } from 'streamsocial/kit/log/kafka/kafka-log';
import { startBroker, type TestBroker } from 'streamsocial/testing';

const SESSION_TIMEOUT_MS = 3_000;
/** Kafka's brokers allow no less. */
const KAFKA_SESSION_TIMEOUT_MS = 6_000;

export interface Ground extends AsyncDisposable {
  /** `host:port` of the broker: what any client of Kafka's protocol connects to. */
  readonly bootstrap: string;
  readonly log: KafkaLog;
  /** The broker where it is the example's own: faults can be planned there. */
  readonly broker: TestBroker | null;
  /** For projections; removed at the end. */
  readonly directory: string;
  /** How soon a member that was killed is missed. */
  readonly sessionTimeoutMs: number;
  /** Of a topic or group: itself, and on a Kafka of others one that nobody else has. */
  name(base: string): string;
  createTopic(base: string, spec?: Omit<TopicSpec, 'name'>): Promise<string>;
}

export async function openGround(bootstrapArgument = process.argv[2]): Promise<Ground> {
  await using opening = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'streamsocial-example-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]));

  const broker = bootstrapArgument
    ? null
    : await startBroker({ minSessionTimeoutMs: SESSION_TIMEOUT_MS, autoCreateTopics: false });
  if (broker !== null) opening.use(broker);
  const bootstrap = broker?.bootstrap ?? bootstrapArgument!;
  const log = opening.adopt(await KafkaLog.connect({ bootstrap: [bootstrap] }), (open) => open.close());
  const run = broker === null ? `-${Date.now().toString(36)}` : '';
  let created = 0;
  if (broker === null) opening.defer(() => (created > 0 ? deleteTopics(log, bootstrap, run) : undefined));
  const opened = opening.move();
  return {
    bootstrap,
    log,
    broker,
    directory,
    sessionTimeoutMs: broker === null ? KAFKA_SESSION_TIMEOUT_MS : SESSION_TIMEOUT_MS,
    name: (base) => `${base}${run}`,
    async createTopic(base, spec = { partitions: 1 }) {
      await log.createTopics([{ ...spec, name: `${base}${run}` }]);
      created++;
      return `${base}${run}`;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Of this run, with their dead letter topics. */
async function deleteTopics(log: KafkaLog, bootstrap: string, run: string): Promise<void> {
  const admin = new KafkaAdmin({ bootstrap: [bootstrap] });
  try {
    const { topics } = await log.describe();
    await admin.deleteTopics(topics.map(({ name }) => name).filter((name) => name.replace('.dlq', '').endsWith(run)));
  } catch (error) {
    process.stderr.write(`Topics that end with ${run} are left: ${(error as Error).message}\n`);
  } finally {
    await admin.close();
  }
}

/** Asks until the answer is yes; what never comes is an error with a name. */
export async function until(what: string, ask: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; !(await ask()); await pause(20)) {
    if (performance.now() > deadline) throw new Error(`Not within ${timeoutMs / 1_000} s: ${what}.`);
  }
}

/** Columns as wide as they need; those with numbers are aligned to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const columns = rows[0]!.map((_, n) => rows.map((row) => String(row[n])));
  const padded = columns.map((cells) => {
    const width = Math.max(...cells.map((cell) => cell.length));
    const isNumeric = cells.some((cell) => /^[\d.]+$/.test(cell));
    return cells.map((cell) => (isNumeric ? cell.padStart(width) : cell.padEnd(width)));
  });
  return rows
    .map((_, n) =>
      padded
        .map((cells) => cells[n]!)
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
