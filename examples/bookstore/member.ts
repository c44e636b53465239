/** One member of a consumer group, in a process of its own; `main.ts` starts it. */

import { project as analytics } from 'streamsocial/domains/bookstore/analytics';
import { orderPlacedCodec } from 'streamsocial/domains/bookstore/codec';
import { project as inventory } from 'streamsocial/domains/bookstore/inventory';
import { project as notification } from 'streamsocial/domains/bookstore/notification';
import { runConsumer } from 'streamsocial/kit/consumers/run';
import { ack } from 'streamsocial/kit/consumers/verdict';
import { DeadLetterQueue } from 'streamsocial/kit/dlq/dead-letter-queue';
import { KafkaLog } from 'streamsocial/kit/log/kafka/kafka-log';
import { HighVolumeProducer } from 'streamsocial/kit/producers/high-volume-producer';
import { SqliteProjectionStore } from 'streamsocial/kit/projections/embedded/sqlite-store';

const REACTIONS = { inventory, notification, analytics };
export type Reaction = keyof typeof REACTIONS;

export interface MemberSpec {
  readonly name: string;
  readonly bootstrap: string;
  readonly topic: string;
  readonly group: string;
  readonly reaction: Reaction;
  /** The members of a group share one projection. */
  readonly storePath: string;
  readonly sessionTimeoutMs: number;
}

export interface MemberReport {
  readonly partitions: number;
  readonly handled: number;
}

const REPORT_EVERY_MS = 20;

const spec = JSON.parse(process.argv[2]!) as MemberSpec;
const log = await KafkaLog.connect({ bootstrap: [spec.bootstrap], clientId: spec.name });
const sender = new HighVolumeProducer({ log });
const store = await SqliteProjectionStore.open({ path: spec.storePath, name: spec.reaction });
const project = REACTIONS[spec.reaction];

const consumer = await runConsumer({
  log,
  group: spec.group,
  topics: [spec.topic],
  codec: orderPlacedCodec,
  // what the reaction makes of an order is stored together with the position in the log
  handler: (order) => ack(project(order)),
  store,
  deadLetters: new DeadLetterQueue({ log, sender }),
  clientId: spec.name,
  sessionTimeoutMs: spec.sessionTimeoutMs,
});

const reporting = setInterval(() => {
  const { partitions, messages_processed } = consumer.metrics();
  const report: MemberReport = { partitions: partitions.length, handled: messages_processed };
  // there may be nobody left to read it
  process.send!(report, undefined, undefined, () => {});
}, REPORT_EVERY_MS);

// main.ts hangs up to end this process; it also ends when main.ts does
process.once('disconnect', async () => {
  clearInterval(reporting);
  await consumer.stop();
  await sender.close();
  await log.close();
  await store.close();
});
await consumer.ended;
