/** A consumer that charges customers for their orders, and dies where it is told to; `main.ts` starts it, and starts it again. */
import { appendFileSync } from 'node:fs';
import { runConsumer } from 'streamsocial/kit/consumers/run';
import { ack } from 'streamsocial/kit/consumers/verdict';
import { DeadLetterQueue } from 'streamsocial/kit/dlq/dead-letter-queue';
import type { LogRecord } from 'streamsocial/kit/log/event-log';
import { KafkaLog } from 'streamsocial/kit/log/kafka/kafka-log';
import { HighVolumeProducer } from 'streamsocial/kit/producers/high-volume-producer';
import { SqliteProjectionStore } from 'streamsocial/kit/projections/embedded/sqlite-store';
import { withApply } from 'streamsocial/kit/projections/with-apply';

export interface ConsumerSpec {
  readonly semantics: 'at most once' | 'at least once' | 'exactly once';
  /** The order in whose chunk the process is killed; null where it runs to its end. */
  readonly crashAt: string | null;
  /** Of the one transaction; the others have one place where a crash does harm. */
  readonly crash: 'before' | 'after';
  readonly bootstrap: string;
  readonly topic: string;
  readonly group: string;
  /** The effects: a line per charge, or a projection. */
  readonly path: string;
  readonly orders: number;
  readonly chunk: number;
  readonly sessionTimeoutMs: number;
}

const spec = JSON.parse(process.argv[2]!) as ConsumerSpec;
const { topic, group, sessionTimeoutMs } = spec;
const log = await KafkaLog.connect({ bootstrap: [spec.bootstrap], clientId: group });
const finished = Promise.withResolvers<void>();

function crashPoint(orders: readonly string[]): void {
  if (spec.crashAt !== null && orders.includes(spec.crashAt)) process.kill(process.pid, 'SIGKILL');
}

function charge(orders: readonly string[]): void {
  appendFileSync(spec.path, orders.map((order) => `${order}\n`).join(''));
}

const keyOf = ({ key }: LogRecord): string => key!.toString();

/** Effect and position are two things in two places: one comes first, and a crash may come between. */
async function commitAndCharge(): Promise<void> {
  const member = await log.group(group).join({
    topics: [topic],
    sessionTimeoutMs,
    onAssigned: () => log.group(group).committed(),
    onRevoked: async () => {},
    async onRecords({ partition, records }) {
      for (let from = 0; from < records.length; from += spec.chunk) {
        const chunk = records.slice(from, from + spec.chunk);
        const orders = chunk.map(keyOf);
        const offset = chunk.at(-1)!.offset + 1;
        const commit = () => member.commit([{ topic, partition, offset }]);
        if (spec.semantics === 'at most once') {
          await commit();
          crashPoint(orders);
          charge(orders);
        } else {
          charge(orders);
          crashPoint(orders);
          await commit();
        }
        if (offset === spec.orders) finished.resolve();
      }
    },
  });
  await Promise.race([finished.promise, member.ended]);
  await member.leave();
}

/** Effect and position are one transaction of one database: a crash comes before it or after it. */
async function chargeInOneTransaction(): Promise<void> {
  const sqlite = await SqliteProjectionStore.open({ path: spec.path, name: 'charges' });
  const store = withApply(sqlite, async (batch) => {
    const orders = batch.effects.map(({ deltas }) => deltas[0]!.key);
    if (spec.crash === 'before') crashPoint(orders);
    const outcome = await sqlite.apply(batch);
    if (spec.crash === 'after') crashPoint(orders);
    return outcome;
  });
  const sender = new HighVolumeProducer({ log });
  const consumer = await runConsumer({
    log,
    group,
    topics: [topic],
    codec: { decode: (record) => ({ ok: true, event: keyOf(record), id: keyOf(record) }) },
    handler: (order) => ack([{ key: order, add: { charges: 1 } }]),
    store,
    deadLetters: new DeadLetterQueue({ log, sender }),
    sessionTimeoutMs,
    limits: { maxChunkRecords: spec.chunk },
  });
  await consumer.caughtUp(60_000);
  await consumer.stop();
  await sender.close();
  await sqlite.close();
}

await (spec.semantics === 'exactly once' ? chargeInOneTransaction() : commitAndCharge());
await log.close();
process.disconnect();
