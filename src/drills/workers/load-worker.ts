/** Offers events at a steady rate, whatever becomes of them, and writes down what did. */
import { socialEventCodec } from '../../domains/social/codec.ts';
import type { SocialEvent } from '../../domains/social/events.ts';
import { generateTraffic, type TrafficItem } from '../../domains/social/traffic.ts';
import { isKitError } from '../../kit/errors.ts';
import type { EventLog } from '../../kit/log/event-log.ts';
import { KafkaLog } from '../../kit/log/kafka/kafka-log.ts';
import { EventPublisher } from '../../kit/producers/event-publisher.ts';
import { HighVolumeProducer, type OutgoingRecord } from '../../kit/producers/high-volume-producer.ts';
import { monotonicMs, type PublishOperation } from '../history/history.ts';
import { HistoryRecorder } from '../history/recorder.ts';
import { isChosen } from './is-chosen.ts';
import type { LoadProgress, LoadSpec } from './worker-spec.ts';

const TICK_MS = 5;
/** Items of one generated day; then the next day begins, with another seed. */
const EVENTS_PER_SEED = 200_000;
/** A stall of the process itself is not made up for by a flood. */
const MAX_BEHIND_S = 1;

type End = Pick<PublishOperation, 'outcome' | 'partition' | 'offset' | 'code'>;

export class LoadWorker {
  readonly #spec: Omit<LoadSpec, 'role' | 'bootstrap'>;
  readonly #closeLog: () => Promise<void>;
  readonly #producer: HighVolumeProducer;
  readonly #publisher: EventPublisher<SocialEvent>;
  readonly #history: HistoryRecorder;
  readonly #items: Generator<TrafficItem>;
  /** How each of those that are out is written down when it ends. */
  readonly #underWay = new Map<number, (end: End) => void>();
  /** What is to be sent once more, by the time of that. */
  readonly #repeats: { readonly atMs: number; readonly record: OutgoingRecord; readonly eventId: string }[] = [];
  readonly #counts = { offered: 0, acked: 0, failed: 0, unknown: 0 };
  #ratePerSecond: number;
  #due = 0;
  #tickedMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void) | null = null;

  static async open(spec: LoadSpec): Promise<LoadWorker> {
    const log = await KafkaLog.connect({ bootstrap: spec.bootstrap, clientId: spec.name });
    return new LoadWorker(spec, log, () => log.close());
  }

  /** @param closeLog called last by `finish` */
  constructor(spec: Omit<LoadSpec, 'role' | 'bootstrap'>, log: EventLog, closeLog: () => Promise<void>) {
    this.#spec = spec;
    this.#closeLog = closeLog;
    this.#producer = new HighVolumeProducer({ log });
    this.#publisher = new EventPublisher<SocialEvent>({ codec: socialEventCodec, producer: this.#producer });
    this.#history = new HistoryRecorder(spec.historyFile, spec.name);
    this.#items = traffic(spec);
    this.#ratePerSecond = spec.ratePerSecond;
  }

  start(): void {
    this.#tickedMs = monotonicMs();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  setRate(ratePerSecond: number): void {
    this.#ratePerSecond = ratePerSecond;
  }

  progress(): LoadProgress {
    return { ...this.#counts, outstanding: this.#underWay.size };
  }

  /** Waits for what is out, at most until the producer gives it up. */
  async finish(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#underWay.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await this.#producer.close();
    await this.#closeLog();
    this.#history.close();
  }

  #tick(): void {
    const now = monotonicMs();
    const elapsedS = Math.min(MAX_BEHIND_S, (now - this.#tickedMs) / 1000);
    this.#tickedMs = now;
    this.#due += elapsedS * this.#ratePerSecond;
    const { maxOutstanding, maxEvents = Number.POSITIVE_INFINITY } = this.#spec;
    for (; this.#due >= 1; this.#due -= 1) {
      if (this.#underWay.size < maxOutstanding && this.#counts.offered < maxEvents)
        this.#offer(this.#items.next().value as TrafficItem);
    }
    while ((this.#repeats[0]?.atMs ?? Number.POSITIVE_INFINITY) <= now) {
      const { record, eventId } = this.#repeats.shift()!;
      this.#send(record, eventId);
    }
    this.#history.flush();
  }

  #offer(item: TrafficItem): void {
    if (item.kind === 'poison') {
      this.#send({ ...item.record, topic: item.topic }, null);
      return;
    }
    const event = this.#publisher.create(item.input);
    const record = socialEventCodec.encode(event);
    this.#send(record, event.event_id);
    if (!isChosen(event.event_id, this.#spec.repeatShare)) return;
    const { repeatAfterMs = 0 } = this.#spec;
    if (repeatAfterMs === 0) this.#send(record, event.event_id);
    else this.#repeats.push({ atMs: monotonicMs() + repeatAfterMs, record, eventId: event.event_id });
  }

  #send(record: OutgoingRecord, eventId: string | null): void {
    const sequence = this.#counts.offered;
    this.#counts.offered += 1;
    this.#underWay.set(sequence, this.#begun(sequence, record, eventId));
    this.#producer.send(record).then(
      ({ partition, offset }) => this.#settle(sequence, { outcome: 'acked', partition, offset, code: null }),
      (error: unknown) => {
        const code = isKitError(error) ? error.code : String(error);
        // an error that nobody foresaw says nothing of where the record is
        const certain = isKitError(error) && error.details.maybeStored === false;
        this.#settle(sequence, { outcome: certain ? 'failed' : 'unknown', partition: null, offset: null, code });
      },
    );
  }

  #begun(sequence: number, { topic, key }: OutgoingRecord, eventId: string | null): (end: End) => void {
    const begun = { sequence, eventId, topic, key: String(key ?? ''), invokedMs: monotonicMs() };
    if (!this.#spec.recordsBeginnings)
      return (end) => this.#history.publish({ ...begun, completedMs: monotonicMs(), ...end });
    // sent after this turn of the event loop, at whose end the history is flushed
    const ended = this.#history.publishBegun(begun);
    return (end) => ended({ completedMs: monotonicMs(), ...end });
  }

  #settle(sequence: number, end: End): void {
    this.#underWay.get(sequence)!(end);
    this.#underWay.delete(sequence);
    this.#counts[end.outcome] += 1;
    if (this.#underWay.size === 0) this.#idle?.();
  }
}

function* traffic({ seed, poisonShare }: Pick<LoadSpec, 'seed' | 'poisonShare'>): Generator<TrafficItem> {
  const now = Date.now();
  for (let day = 0; ; day++)
    yield* generateTraffic({ seed: seed + day, events: EVENTS_PER_SEED, now, poisonShare, flakyShare: 0 });
}
