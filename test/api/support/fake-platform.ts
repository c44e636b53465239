/** A platform for the API's tests: the real producing side and dead letters over a log in memory; the rest is scripted. */
import type { Logger } from 'pino';
import { type ApiOptions, buildApi } from '../../../src/api/build-api.ts';
import { socialEventCodec } from '../../../src/domains/social/codec.ts';
import { socialTopicSpecs } from '../../../src/domains/social/topics.ts';
import { systemClock } from '../../../src/kit/clock.ts';
import { DeadLetterQueue } from '../../../src/kit/dlq/dead-letter-queue.ts';
import { KitError } from '../../../src/kit/errors.ts';
import { TopicManager } from '../../../src/kit/log/topic-manager.ts';
import { EmbeddedHealth } from '../../../src/kit/monitoring/embedded-health.ts';
import { EventPublisher } from '../../../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer, type ProducerOptions } from '../../../src/kit/producers/high-volume-producer.ts';
import { IdempotencyStore } from '../../../src/kit/producers/idempotency-store.ts';
import type { Document } from '../../../src/kit/projections/projection-store.ts';
import type { DemoReport } from '../../../src/pipelines/demo.ts';
import type { ConsumerReport, HandlerReport, HealthReport, Platform } from '../../../src/pipelines/platform.ts';
import type { StateReader } from '../../../src/pipelines/projection.ts';
import { PROJECTION_NAMES, type ProjectionName } from '../../../src/pipelines/projection.ts';
import { Pulse } from '../../../src/pipelines/pulse/pulse.ts';
import type { Reconciliation } from '../../../src/pipelines/reconciliation.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryTable } from './memory-table.ts';

export const RECONCILIATION: Reconciliation = {
  topics: [
    {
      topic: 'content-interactions',
      in_log: 100,
      applied: 90,
      duplicates: 4,
      parked: 1,
      dead_lettered: 5,
      pending: 0,
      balanced: true,
    },
  ],
  reactions: [
    {
      projection: 'feed',
      topic: 'user-actions',
      in_log: 40,
      applied: 40,
      duplicates: 0,
      parked: 0,
      dead: 0,
      pending: 0,
      balanced: true,
    },
  ],
  compared: 12,
  differing: 0,
  differences: [],
  balanced: true,
};

export const DEMO: DemoReport = {
  state: 'RUNNING',
  seed: 7,
  requested: 10_000,
  published: 0,
  in_log: 0,
  applied: 0,
  parked: 0,
  dead_lettered: 0,
  duplicates: 0,
  balanced: null,
  reconciliation: null,
};

const CONSUMER: ConsumerReport = {
  uptime_seconds: 12,
  messages_processed: 94,
  messages_failed: 6,
  success_rate: 0.94,
  avg_processing_time_ms: 0.5,
  dead_letter_count: 5,
  retry_count: 3,
  lag: 0,
  consumer_running: true,
  partitions: [
    { topic: 'content-interactions', partition: 0, position: 17, end_offset: 20, lag: 3, waiting_since: null },
  ],
  parked: 1,
  skipped: 0,
  dlq_depth: 5,
};

export interface FakeOptions {
  readonly authToken?: string;
  readonly host?: string;
  readonly producer?: Partial<ProducerOptions>;
  readonly logger?: Logger;
  /** What the API is handed besides. */
  readonly parts?: Partial<ApiOptions>;
}

export class FakePlatform {
  readonly log = new MemoryLog({ clock: systemClock, topics: socialTopicSpecs() });
  readonly topics = new TopicManager(this.log);
  readonly answers = new MemoryTable();
  readonly idempotency = new IdempotencyStore(this.answers);
  readonly producer: HighVolumeProducer;
  readonly publisher;
  readonly deadLetters: DeadLetterQueue;
  readonly contents = new Map<string, Document>();
  readonly controller: {
    state: 'SYSTEM_STOPPED' | 'DEMO_RUNNING' | 'SYSTEM_ERROR';
    cause: string | null;
    demo(): DemoReport | null;
    startDemo(options?: object): DemoReport;
    demoEnded(): Promise<DemoReport>;
  };
  reasons: string[] = [];
  reconciliations = 0;
  demoOptions: unknown;
  #demo: DemoReport | null = null;

  constructor(options: Partial<ProducerOptions> = {}) {
    this.producer = new HighVolumeProducer({ log: this.log, ...options });
    this.publisher = new EventPublisher({ codec: socialEventCodec, producer: this.producer });
    this.deadLetters = new DeadLetterQueue({ log: this.log, sender: this.producer });
    this.controller = {
      state: 'SYSTEM_STOPPED',
      cause: null,
      demo: () => this.#demo,
      startDemo: (given = {}) => {
        if (this.controller.state === 'DEMO_RUNNING')
          throw new KitError('DEMO_RUNNING', 'A demo is running', { retriable: true });
        this.demoOptions = given;
        this.controller.state = 'DEMO_RUNNING';
        this.#demo = DEMO;
        return DEMO;
      },
      demoEnded: async () => DEMO,
    };
  }

  /** `contents` is what engagement holds; the other projections are empty until a test puts something there. */
  readonly documents = new Map<ProjectionName, Map<string, Document>>([['engagement', this.contents]]);
  readonly state = Object.fromEntries(PROJECTION_NAMES.map((name) => [name, this.#reader(name)])) as Record<
    ProjectionName,
    StateReader
  >;

  #reader(name: ProjectionName): StateReader {
    const documents = () => this.documents.get(name) ?? new Map<string, Document>();
    const get = async (key: string) => documents().get(key) ?? null;
    return {
      get,
      getMany: (keys) => Promise.all(keys.map(get)),
      keys: async ({ prefix }) => ({
        keys: [...documents().keys()].filter((key) => key.startsWith(prefix)),
        cursor: null,
      }),
      partitions: async () => [],
      async *documents() {
        yield* documents();
      },
    };
  }

  readonly pulse = new Pulse({
    log: this.log,
    producer: {
      metrics: () => this.producer.metrics(),
      recentLatency: () => null,
      health: () => this.producer.health(),
    },
    controller: {
      state: 'SYSTEM_STOPPED',
      cause: null,
      demo: () => this.controller.demo(),
    },
    deadLetters: { depth: () => this.deadLetters.depth() },
    store: async () => [],
    own: () => [],
    health: () => this.health(),
    rebuild: () => null,
  });

  async applied(_position: unknown, timeoutMs: number): Promise<void> {
    if (timeoutMs < 1000)
      throw new KitError('NOT_APPLIED_YET', `not applied after ${timeoutMs} ms`, { retriable: true });
  }

  async consumerMetrics(): Promise<ConsumerReport> {
    return CONSUMER;
  }

  handlers(): readonly HandlerReport[] {
    return [{ name: 'engagement', group: 'streamsocial-engagement', metrics: CONSUMER }];
  }

  health(): Promise<HealthReport> {
    return new EmbeddedHealth({ log: this.log, groups: [] }).report();
  }

  admin(): null {
    return null;
  }

  looksAgain = 0;

  lookAgain(): void {
    this.looksAgain += 1;
  }

  async notReadyBecause(): Promise<readonly string[]> {
    return this.reasons;
  }

  async reconcile(): Promise<Reconciliation> {
    this.reconciliations += 1;
    return RECONCILIATION;
  }

  async close(): Promise<void> {
    this.pulse.close();
    await this.producer.close({ timeoutMs: 1 });
    await this.idempotency.close();
  }
}

/** Close what comes back with `await using`. */
export function openApi({ authToken, host = '127.0.0.1', producer, logger, parts = {} }: FakeOptions = {}) {
  const platform = new FakePlatform(producer);
  const app = buildApi({
    platform: platform as unknown as Platform,
    settings: { host, port: 0, authToken: authToken ?? null, mode: 'embedded' },
    ...(logger === undefined ? {} : { logger }),
    ...parts,
  });
  return {
    app,
    platform,
    async [Symbol.asyncDispose]() {
      await app.close();
      await platform.close();
    },
  };
}
