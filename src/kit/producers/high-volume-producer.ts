import { type Clock, systemClock } from '../clock.ts';
import { isKitError, KitError } from '../errors.ts';
import type { EventLog, Header, TopicPartition } from '../log/event-log.ts';
import type { RecentLatency } from '../monitoring/recent-histogram.ts';
import { noLongerThan } from '../waiting.ts';
import { Lane, type LaneHost } from './lane.ts';
import { type FlushGroup, Pending, type Sent } from './pending.ts';
import { ProducerMeter, type ProducerMetrics } from './producer-metrics.ts';
import {
  type OutgoingRecord,
  type ProducerHealth,
  type ProducerLimits,
  type ProducerOptions,
  producerLimits,
  type SendOptions,
} from './producer-options.ts';
import { Room } from './room.ts';
import { TopicRoute } from './topic-route.ts';

export type { Sent } from './pending.ts';
export type { ProducerMetrics } from './producer-metrics.ts';
export type {
  OutgoingRecord,
  ProducerHealth,
  ProducerLimits,
  ProducerOptions,
  SendOptions,
} from './producer-options.ts';

const NO_OPTIONS: SendOptions = {};
const NO_HEADERS: readonly Header[] = [];
const MIN_RETRY_AFTER_MS = 100;
const MAX_RETRY_AFTER_MS = 5_000;

/**
 * Sends single records at the speed of batches: a lane per partition (see `Lane`), in bounded memory. Records of one
 * key arrive in the order of their `send` calls, through every failure, unless one of them is given up.
 */
export class HighVolumeProducer {
  readonly #log: Pick<EventLog, 'append' | 'describe'>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #limits: ProducerLimits;
  readonly #elapsedMs: () => number;
  readonly #laneHost: LaneHost;
  readonly #meter: ProducerMeter;
  readonly #routes = new Map<string, TopicRoute>();
  readonly #room: Room;
  #group: FlushGroup = { outstanding: 0, whenEmpty: null };
  #admitting = false;
  #flushed: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  /** @throws KitError INVALID_ARGUMENT */
  constructor({ log, clock = systemClock, random = Math.random, ...limits }: ProducerOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#random = random;
    this.#limits = producerLimits(limits);
    this.#room = new Room(this.#limits);
    // The wall clock may be set back and forth and counts in milliseconds; differences are taken on the monotonic one.
    this.#elapsedMs = clock === systemClock ? () => performance.now() : () => clock.now();
    this.#meter = new ProducerMeter(this.#elapsedMs());
    this.#laneHost = {
      log,
      clock,
      random,
      limits: this.#limits,
      elapsedMs: this.#elapsedMs,
      delivered: (entries, batch, baseOffset) => this.#delivered(entries, batch, baseOffset),
      failed: (entries, error) => this.#failed(entries, error),
    };
  }

  /**
   * Resolves once the record is durable.
   *
   * @throws KitError QUEUE_FULL (retriable, `details.retryAfterMs`), DELIVERY_TIMEOUT, ACK_PENDING, LOG_UNAVAILABLE
   *   (retriable, `details.maybeStored`; `details.because` is the code of what the log fails with), PRODUCER_CLOSED, RECORD_TOO_LARGE, UNKNOWN_TOPIC, UNKNOWN_PARTITION,
   *   INVALID_ARGUMENT, APPEND_FAILED
   */
  send(record: OutgoingRecord, options: SendOptions = NO_OPTIONS): Promise<Sent> {
    const { promise, resolve, reject } = Promise.withResolvers<Sent>();
    const { topic, partition, value, headers = NO_HEADERS, timestamp = this.#clock.now() } = record;
    const key = typeof record.key === 'string' ? Buffer.from(record.key) : record.key;
    const entry = new Pending({
      topic,
      wantedPartition: partition,
      record: { key, value, headers, timestamp },
      bytes: payloadBytes(key, value, headers),
      startedAtMs: this.#elapsedMs(),
      group: this.#group,
      resolve,
      reject,
    });
    const refusal = this.#refusal(entry, options);
    if (refusal !== null) {
      this.#meter.failed(1);
      reject(refusal);
      return promise;
    }
    entry.group.outstanding += 1;
    if (options.ackTimeoutMs !== undefined) this.#limitWait(entry, options.ackTimeoutMs);
    if (this.#room.mustWait(entry.bytes)) this.#room.waiting.push(entry);
    else this.#admit(entry);
    return promise;
  }

  /** Resolves once every record sent before has an outcome, whatever it is. */
  async flush(): Promise<void> {
    const group = this.#group;
    this.#group = { outstanding: 0, whenEmpty: null };
    if (group.outstanding > 0) {
      const earlier = this.#flushed;
      this.#flushed = new Promise<void>((resolve) => {
        group.whenEmpty = resolve;
      }).then(() => earlier);
    }
    await this.#flushed;
  }

  /**
   * Takes no more records, sends those it has, and after `timeoutMs` fails the rest with PRODUCER_CLOSED (retriable by
   * another producer, `details.maybeStored`). The log stays open. Repeated calls answer the first one's promise.
   */
  close({ timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#drain(timeoutMs);
    return this.#closing;
  }

  metrics(): ProducerMetrics {
    const active = this.#lanes().filter(({ lane }) => lane.active).length;
    return this.#meter.report(this.#elapsedMs(), this.#room.records + this.#room.waiting.size, active);
  }

  /** From the call of `send` to the acknowledgement; null where nothing was acknowledged in the last ten seconds. */
  recentLatency(): RecentLatency | null {
    return this.#meter.recent.latency(this.#elapsedMs());
  }

  health(): ProducerHealth {
    const stalled = this.#lanes()
      .flatMap(({ topic, partition, lane }) => {
        const sinceMs = lane.stalledSinceMs;
        return sinceMs === null ? [] : [{ topic, partition, sinceMs, code: lane.lastError?.code ?? null }];
      })
      .sort((a, b) => a.sinceMs - b.sinceMs);
    const longest = stalled[0];
    return {
      stalledSinceMs:
        longest === undefined ? null : Math.round(this.#clock.now() - (this.#elapsedMs() - longest.sinceMs)),
      stalledLanes: stalled.map(({ topic, partition }) => ({ topic, partition })),
      lastErrorCode: longest?.code ?? null,
    };
  }

  #refusal({ bytes, wantedPartition }: Pending, { whenFull }: SendOptions): KitError | null {
    if (this.#closing !== null) return closedError('the producer takes no more records', false);
    if (wantedPartition !== undefined && !(Number.isInteger(wantedPartition) && wantedPartition >= 0)) {
      return new KitError('INVALID_ARGUMENT', `partition must be an integer of at least 0, not ${wantedPartition}`);
    }
    const { maxQueuedBytes } = this.#limits;
    if (bytes > maxQueuedBytes) {
      return new KitError('RECORD_TOO_LARGE', `${bytes} bytes do not fit into a queue of ${maxQueuedBytes}`);
    }
    if (!this.#room.mustWait(bytes)) return null;
    return whenFull === 'reject' || !this.#room.mayWait(bytes) ? this.#queueFullError() : null;
  }

  #queueFullError(): KitError {
    const { records, bytes, waiting } = this.#room;
    const toDrainMs = ((records + waiting.size) / this.#meter.throughput(this.#elapsedMs()).messages) * 1000;
    const retryAfterMs = Math.round(Math.max(MIN_RETRY_AFTER_MS, Math.min(MAX_RETRY_AFTER_MS, toDrainMs)));
    return new KitError('QUEUE_FULL', `${records} records of ${bytes} bytes wait to be acknowledged`, {
      retriable: true,
      details: { retryAfterMs, maybeStored: false },
    });
  }

  #admit(entry: Pending): void {
    this.#room.take(entry);
    let route = this.#routes.get(entry.topic);
    if (route === undefined) {
      route = new TopicRoute((partition) => new Lane({ topic: entry.topic, partition }, this.#laneHost));
      this.#routes.set(entry.topic, route);
    }
    const stale = route.partitions === null || this.#elapsedMs() - route.knownSinceMs > this.#limits.metadataMaxAgeMs;
    if (stale && !route.lookingUp) void this.#lookUp(entry.topic, route);
    if (route.partitions === null) route.waiting.push(entry);
    else this.#dispatch(entry, route, route.partitions);
  }

  #dispatch(entry: Pending, route: TopicRoute, partitions: number): void {
    try {
      route.laneFor(entry, partitions, this.#random).push(entry);
    } catch (error) {
      this.#failed([entry], error);
    }
  }

  async #lookUp(topic: string, route: TopicRoute): Promise<void> {
    route.lookingUp = true;
    const found = await this.#log.describe([topic]).then(
      ({ topics }) => ({ partitions: topics[0]!.partitions.length }),
      (error: unknown) => ({ error }),
    );
    route.knownSinceMs = this.#elapsedMs();
    if ('partitions' in found) {
      // Records that get room meanwhile queue up behind: order per key begins here.
      for (let entry = route.waiting.shift(); entry !== null; entry = route.waiting.shift()) {
        this.#dispatch(entry, route, found.partitions);
      }
      route.partitions = found.partitions;
    }
    route.lookingUp = false;
    if ('error' in found) {
      // A refresh that fails changes nothing: the log itself refuses what is no longer there.
      if (isKitError(found.error, 'UNKNOWN_TOPIC')) route.partitions = null;
      if (route.lanes.size === 0) this.#routes.delete(topic);
      const waiting = route.waiting.takeAll();
      if (waiting.length > 0) this.#failed(waiting, found.error);
    }
  }

  #delivered(entries: readonly Pending[], { topic, partition }: TopicPartition, baseOffset: number): void {
    const now = this.#elapsedMs();
    let offset = baseOffset;
    let bytes = 0;
    for (const entry of entries) {
      bytes += entry.bytes;
      this.#meter.latency(now - entry.startedAtMs, now);
      entry.resolve({ topic, partition, offset });
      this.#release(entry);
      offset += 1;
    }
    this.#meter.sent(now, entries.length, bytes);
    this.#admitWaiting();
  }

  #failed(entries: readonly Pending[], error: unknown): void {
    if (isKitError(error, 'UNKNOWN_PARTITION') || isKitError(error, 'UNKNOWN_TOPIC')) {
      const route = this.#routes.get(entries[0]!.topic);
      if (route !== undefined) route.knownSinceMs = Number.NEGATIVE_INFINITY;
    }
    this.#meter.failed(entries.length);
    for (const entry of entries) {
      entry.reject(error);
      this.#release(entry);
    }
    this.#admitWaiting();
  }

  #release(entry: Pending): void {
    this.#room.give(entry);
    this.#settle(entry);
  }

  #settle({ group, cancelAckTimer }: Pending): void {
    cancelAckTimer?.();
    group.outstanding -= 1;
    if (group.outstanding === 0) group.whenEmpty?.();
  }

  #admitWaiting(): void {
    // A record that fails on admission makes room for the next: the loop below sees it, no recursion needed.
    if (this.#admitting) return;
    this.#admitting = true;
    for (let entry = this.#room.next(); entry !== null; entry = this.#room.next()) this.#admit(entry);
    this.#admitting = false;
  }

  #limitWait(entry: Pending, ackTimeoutMs: number): void {
    entry.cancelAckTimer = this.#clock.after(ackTimeoutMs, () => {
      const { list, topic } = entry;
      const cause = this.#routes.get(topic)?.lastErrorFor(entry);
      const because = cause === undefined ? {} : { because: cause.code };
      const options = { retriable: true, cause, details: { topic, maybeStored: list === null, ...because } };
      const reason = cause === undefined ? '' : `: ${cause.message}`;
      if (list === null) {
        const message = `sent, but not acknowledged within ${ackTimeoutMs} ms; its delivery goes on${reason}`;
        entry.reject(new KitError('ACK_PENDING', message, options));
        return;
      }
      list.remove(entry);
      const message = `its turn did not come within ${ackTimeoutMs} ms; it was withdrawn${reason}`;
      const error = new KitError('LOG_UNAVAILABLE', message, options);
      if (list === this.#room.waiting) this.#failWaiting([entry], error);
      else this.#failed([entry], error);
    });
  }

  /** For records that never got room. */
  #failWaiting(entries: readonly Pending[], error: KitError): void {
    this.#meter.failed(entries.length);
    for (const entry of entries) {
      entry.reject(error);
      this.#settle(entry);
    }
    this.#admitWaiting();
  }

  async #drain(timeoutMs: number): Promise<void> {
    await noLongerThan(timeoutMs, this.flush(), this.#clock);
    const error = (maybeStored: boolean) =>
      closedError(`not acknowledged when the producer closed after ${timeoutMs} ms`, maybeStored);
    this.#failWaiting(this.#room.waiting.takeAll(), error(false));
    for (const route of this.#routes.values()) {
      const waiting = route.waiting.takeAll();
      if (waiting.length > 0) this.#failed(waiting, error(false));
      for (const lane of route.lanes.values()) lane.abandonAll(error);
    }
  }

  #lanes(): (TopicPartition & { lane: Lane })[] {
    return [...this.#routes].flatMap(([topic, { lanes }]) =>
      [...lanes].map(([partition, lane]) => ({ topic, partition, lane })),
    );
  }
}

function closedError(message: string, maybeStored: boolean): KitError {
  return new KitError('PRODUCER_CLOSED', message, { retriable: true, details: { maybeStored } });
}

function payloadBytes(key: Buffer | null, value: Buffer | null, headers: readonly Header[]): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, headerValue] of headers) bytes += Buffer.byteLength(name) + (headerValue?.length ?? 0);
  return bytes;
}
