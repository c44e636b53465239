/** One consuming process as the platform has it, with both projections, and a history of what it did. */
import { socialEventCodec } from '../../domains/social/codec.ts';
import type { SocialEvent } from '../../domains/social/events.ts';
import { type RunningConsumer, runConsumer } from '../../kit/consumers/run.ts';
import { ack, retry } from '../../kit/consumers/verdict.ts';
import { DeadLetterQueue } from '../../kit/dlq/dead-letter-queue.ts';
import type { EventLog, TopicPartition } from '../../kit/log/event-log.ts';
import { KafkaLog } from '../../kit/log/kafka/kafka-log.ts';
import { HighVolumeProducer } from '../../kit/producers/high-volume-producer.ts';
import { RedisProjectionStore } from '../../kit/projections/redis/redis-store.ts';
import type { Projection } from '../../pipelines/projection.ts';
import { type SocialStores, socialProjections } from '../../pipelines/social-projections.ts';
import { HistoryRecorder } from '../history/recorder.ts';
import { recordingLog } from '../history/recording-log.ts';
import { recordingStore } from '../history/recording-store.ts';
import { sabotaged } from '../sabotage.ts';
import { isChosen } from './is-chosen.ts';
import type { ConsumerProgress, ConsumerSpec } from './worker-spec.ts';

/** Of the flaky events, how often each fails before it succeeds. */
const FAILURES = 2;

type ConsumerSettings = Pick<
  ConsumerSpec,
  'name' | 'groupId' | 'sessionTimeoutMs' | 'flakyShare' | 'flakyDelayMs' | 'sabotage'
>;

export class ConsumerWorker {
  readonly #consumers: readonly RunningConsumer[];
  readonly #opened: AsyncDisposableStack;
  /** Rejects with what broke a consumer. */
  readonly broken: Promise<unknown>;

  static async open(spec: ConsumerSpec): Promise<ConsumerWorker> {
    await using opened = new AsyncDisposableStack();
    const history = opened.adopt(new HistoryRecorder(spec.historyFile, spec.name), (open) => open.close());
    const kafka = opened.adopt(await KafkaLog.connect({ bootstrap: spec.bootstrap, clientId: spec.name }), (open) =>
      open.close(),
    );
    const store = async (name: string) =>
      opened.adopt(await RedisProjectionStore.open({ ...spec.redis, name }), (open) => open.close());
    const stores = { engagement: await store('engagement'), activity: await store('activity') };
    return await ConsumerWorker.over(spec, recordingLog(kafka, history), stores, history, opened);
  }

  /** @param opened what `finish` closes, after the consumers; moved out of, once they run */
  static async over(
    spec: ConsumerSettings,
    log: EventLog,
    stores: SocialStores,
    history: HistoryRecorder,
    opened: AsyncDisposableStack,
  ): Promise<ConsumerWorker> {
    const sender = opened.adopt(new HighVolumeProducer({ log }), (open) => open.close());
    const deadLetters = new DeadLetterQueue({ log, sender });
    const projections = socialProjections(stores, spec.groupId);

    const run = ({ group, topics, store: inner, project }: Projection) =>
      runConsumer<SocialEvent>({
        log,
        group,
        topics,
        codec: socialEventCodec,
        store: recordingStore(sabotaged(inner, spec.sabotage), group, history),
        deadLetters,
        clientId: spec.name,
        ...(spec.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: spec.sessionTimeoutMs }),
        handler: (event, { attempt, record }) =>
          attempt <= FAILURES && isChosen(event.event_id, spec.flakyShare)
            ? retry('a failure planned by the drill', spec.flakyDelayMs)
            : ack(project(event, record)),
      });
    const consumers = await Promise.all([run(projections.engagement), run(projections.activity)]);
    for (const consumer of consumers) opened.defer(() => consumer.stop());
    return new ConsumerWorker(consumers, opened.move());
  }

  private constructor(consumers: readonly RunningConsumer[], opened: AsyncDisposableStack) {
    this.#consumers = consumers;
    this.#opened = opened;
    this.broken = Promise.all(consumers.map(({ ended }) => ended));
  }

  /** @param endOf the log's end where it is known better than from the last fetch */
  progress(endOf: (at: TopicPartition) => number = () => 0): ConsumerProgress {
    const all = this.#consumers.map((consumer) => consumer.metrics());
    const sum = (pick: (metrics: (typeof all)[number]) => number) =>
      all.reduce((total, metrics) => total + pick(metrics), 0);
    return {
      applied: sum(({ messages_processed }) => messages_processed),
      lag: sum(({ partitions }) => partitions.reduce((lag, at) => lag + Math.max(at.lag, endOf(at) - at.position), 0)),
      parked: sum(({ parked }) => parked),
      partitions: sum(({ partitions }) => partitions.length),
    };
  }

  async finish(): Promise<void> {
    await this.#opened.disposeAsync();
  }
}
