/**
 * The platform's pulse: one sampler for all who watch. Twice a second while somebody does; else once a second and with fewer
 * questions to the log, so that who comes finds the last ten minutes. A log that is slow to answer delays nothing: what was
 * known of it last is told.
 */
import { systemClock } from '../../kit/clock.ts';
import { deadLetterTopic } from '../../kit/dlq/dead-letter.ts';
import type { DeadLetterQueue } from '../../kit/dlq/dead-letter-queue.ts';
import type { EventLog } from '../../kit/log/event-log.ts';
import { keyOf } from '../../kit/monitoring/cluster-facts.ts';
import type { ClusterReport, TopicHealth } from '../../kit/monitoring/cluster-report.ts';
import { latencyOf } from '../../kit/monitoring/recent-histogram.ts';
import type { HighVolumeProducer } from '../../kit/producers/high-volume-producer.ts';
import { noLongerThan } from '../../kit/waiting.ts';
import type { RebuildReport } from '../rebuild.ts';
import type { RuntimeController } from '../runtime-controller.ts';
import { GroupFlows, type OwnGroup } from './group-flows.ts';
import { healthMarks } from './health-marks.ts';
import { Latest } from './latest.ts';
import { PulseHistory } from './pulse-history.ts';
import { PulseMarks } from './pulse-marks.ts';
import type { Mark, ProducerFlow, PulsePoint, PulseSample, TopicFlow } from './pulse-report.ts';
import { troublesOf } from './pulse-troubles.ts';
import { RecentRates } from './recent-rates.ts';
import { RunMarks } from './run-marks.ts';

export interface PulseParts {
  readonly log: Pick<EventLog, 'kind' | 'listOffsets' | 'read'>;
  readonly producer: Pick<HighVolumeProducer, 'metrics' | 'recentLatency' | 'health'>;
  readonly controller: Pick<RuntimeController, 'state' | 'cause' | 'demo'>;
  readonly deadLetters: Pick<DeadLetterQueue, 'depth'>;
  /** Rejects where the projections cannot be read. */
  store(): Promise<unknown>;
  /** The consumers of this process. */
  own(): readonly OwnGroup[];
  health(): Promise<ClusterReport>;
  /** The one under way, or the last one. */
  rebuild(): RebuildReport | null;
}

/** Called with every sample, and the marks that are new since the one before. */
export type PulseListener = (sample: PulseSample, marks: readonly Mark[]) => void;

/** As API and drills see it. */
export interface PulseSource {
  readonly history: readonly PulsePoint[];
  readonly marks: Pick<PulseMarks, 'add' | 'since'>;
  /** One that is at most a second old, or a new one. */
  sample(): Promise<PulseSample>;
  /** @returns what ends it */
  watch(listener: PulseListener): () => void;
}

const WATCHED_MS = 500;
const UNWATCHED_MS = 1_000;
/** How old what the log says may be while nobody watches. */
const UNWATCHED_LOOK_MS = 5_000;
/** A sample waits for the log no longer. */
const LOG_LIMIT_MS = 200;
const MAX_TOPICS = 64;
/** Rates of what is not there any more. */
const FORGOTTEN_MS = 60_000;

export class Pulse implements PulseSource {
  readonly marks = new PulseMarks();
  readonly #parts: PulseParts;
  readonly #history = new PulseHistory();
  readonly #rates = new RecentRates();
  readonly #groups: GroupFlows;
  readonly #runMarks = new RunMarks();
  readonly #listeners = new Set<PulseListener>();
  readonly #health: Latest<ClusterReport>;
  readonly #ends: Latest<ReadonlyMap<string, number>>;
  readonly #depth: Latest<number>;
  readonly #storeError: Latest<string | null>;
  #seen: ClusterReport | null = null;
  #told = 0;
  #last: { readonly sample: PulseSample; readonly atMs: number; readonly isFresh: boolean } | null = null;
  #under: Promise<PulseSample> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(parts: PulseParts) {
    this.#parts = parts;
    this.#groups = new GroupFlows(parts.log, this.#rates);
    this.#health = new Latest(() => parts.health());
    this.#ends = new Latest(() => this.#listEnds());
    this.#depth = new Latest(() => parts.deadLetters.depth());
    this.#storeError = new Latest(() =>
      parts.store().then(
        () => null,
        (error: Error) => error.message,
      ),
    );
    this.#later();
  }

  get history(): readonly PulsePoint[] {
    return this.#history.points;
  }

  watch(listener: PulseListener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#later();
    return () => void this.#listeners.delete(listener);
  }

  async sample(): Promise<PulseSample> {
    const last = this.#last;
    if (last?.isFresh === true && performance.now() - last.atMs < UNWATCHED_MS) return last.sample;
    await this.#under;
    return this.#take(true);
  }

  /** Nobody is told anything any more. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #later(): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const everyMs = this.#listeners.size > 0 ? WATCHED_MS : UNWATCHED_MS;
    this.#timer = setTimeout(() => {
      void this.#take(this.#listeners.size > 0).finally(() => this.#later());
    }, everyMs).unref();
  }

  /** @param isFresh whether the log is asked although it was a moment ago */
  #take(isFresh: boolean): Promise<PulseSample> {
    this.#under ??= this.#measure(isFresh).finally(() => {
      this.#under = null;
    });
    return this.#under;
  }

  async #measure(isFresh: boolean): Promise<PulseSample> {
    const { controller, producer: sender, rebuild } = this.#parts;
    await this.#askLog(performance.now(), isFresh ? 0 : UNWATCHED_LOOK_MS);
    const own = this.#parts.own();
    const nowMs = performance.now();
    const wallMs = systemClock.now();
    const health = this.#health.value;
    const ends = this.#ends.value ?? new Map<string, number>();
    const storeError = this.#storeError.value;
    const isStoreDown = storeError !== null;
    const groups = await this.#groups.at(own, health?.groups ?? [], { ends, nowMs, wallMs, isStoreDown });
    const runtime = { state: controller.state, cause: controller.cause };
    const producer = this.#producer(nowMs);
    const depth = this.#depth.value;
    const sample: PulseSample = {
      at: new Date(wallMs).toISOString(),
      runtime,
      log: this.#log(health),
      producer,
      topics: this.#topics(),
      groups,
      end_to_end: latencyOf(
        own.map(({ latencies }) => latencies.endToEnd),
        nowMs,
      ),
      dead_letters: { depth },
      demo: controller.demo(),
      troubles: troublesOf({
        runtime,
        health,
        producer,
        stalled: sender.health(),
        groups,
        storeError,
        openDeadLetters: depth,
        wallMs,
      }),
    };
    if (health !== null && health !== this.#seen) {
      if (this.#seen !== null) for (const mark of healthMarks(this.#seen, health)) this.marks.add(mark);
      this.#seen = health;
    }
    for (const mark of this.#runMarks.see(sample.demo, rebuild(), groups)) this.marks.add(mark);
    this.#last = { sample, atMs: nowMs, isFresh };
    this.#tell(sample, nowMs);
    this.#rates.forgetBefore(nowMs - FORGOTTEN_MS);
    return sample;
  }

  #tell(sample: PulseSample, atMs: number): void {
    this.#history.add(sample, atMs);
    const marks = this.marks.since(this.#told);
    this.#told = this.marks.count;
    for (const listener of this.#listeners) listener(sample, marks);
  }

  /** What does not come in time is as it was. */
  async #askLog(nowMs: number, maxAgeMs: number): Promise<void> {
    const asked = Promise.all(
      [this.#health, this.#ends, this.#depth, this.#storeError].map((latest) => latest.refresh(nowMs, maxAgeMs)),
    );
    await noLongerThan(LOG_LIMIT_MS, asked, systemClock);
  }

  /** Of the partitions that the last look found. */
  async #listEnds(): Promise<ReadonlyMap<string, number>> {
    const places = this.#shownTopics().flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partition }) => ({ topic, partition })),
    );
    const ends = await this.#parts.log.listOffsets(places.map((place) => ({ ...place, at: 'latest' as const })));
    return new Map(places.map((place, index) => [keyOf(place), ends[index]!]));
  }

  #producer(nowMs: number): ProducerFlow {
    const { producer } = this.#parts;
    const { messages_sent: sent, messages_failed: failed, queue_size } = producer.metrics();
    const latency = producer.recentLatency();
    return {
      per_second: this.#rates.perSecond('sent', sent, nowMs) ?? 0,
      errors_per_second: this.#rates.perSecond('failed', failed, nowMs) ?? 0,
      sent,
      failed,
      queue_size,
      p50_ms: latency?.p50_ms ?? null,
      p99_ms: latency?.p99_ms ?? null,
    };
  }

  /** Those that are read here first: there may be many others. */
  #shownTopics(): readonly TopicHealth[] {
    const read = new Set(this.#parts.own().flatMap(({ topics }) => [...topics, ...topics.map(deadLetterTopic)]));
    return (this.#health.value?.topics ?? [])
      .filter(({ internal }) => !internal)
      .sort((a, b) => Number(read.has(b.name)) - Number(read.has(a.name)))
      .slice(0, MAX_TOPICS);
  }

  #topics(): TopicFlow[] {
    const ends = this.#ends.value;
    return this.#shownTopics().map(({ name, partitions }) => {
      const known = partitions.map(({ partition }) => ends?.get(keyOf({ topic: name, partition })));
      const end = known.includes(undefined) ? null : known.reduce<number>((sum, one) => sum + one!, 0);
      return {
        name,
        partitions: partitions.length,
        end,
        per_second: end === null ? null : this.#rates.perSecond(`end of ${name}`, end, this.#ends.atMs),
      };
    });
  }

  #log(health: ClusterReport | null): PulseSample['log'] {
    return {
      mode: this.#parts.log.kind,
      status: health?.status ?? null,
      brokers: (health?.brokers ?? []).map(({ id, role, state, reason, leaders, out_of_sync }) => ({
        id,
        role,
        state,
        reason,
        leaders,
        out_of_sync,
      })),
      under_replicated_partitions: health?.under_replicated_partitions ?? null,
      offline_partitions: health?.offline_partitions ?? null,
      under_min_isr_partitions: health?.under_min_isr_partitions ?? null,
      controller_id: health?.controller_id ?? null,
    };
  }
}
