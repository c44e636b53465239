import type { SocialEvent } from '../domains/social/events.ts';
import type { EventLog, LogRecord, TopicPartition } from '../kit/log/event-log.ts';
import type { EventCodec } from '../kit/schemas/event-codec.ts';
import type { Projection } from './projection.ts';

export interface RecentKeysQuery {
  readonly prefix: string;
  readonly limit: number;
}

export interface RecentKey {
  readonly key: string;
  /** Of the newest event that was found to change it. */
  readonly event_type: SocialEvent['event_type'];
  /** When it was appended, ms since the epoch. */
  readonly at: number;
}

/** Records that are looked at, in how many partitions at most. */
const RECORDS = 600;
const MAX_PARTITIONS = 60;
const READ_BYTES = 256 * 1024;
const MAX_KEYS = 2_000;

/** Keys of documents that exist, by the newest events that change them: examples that are worth a look. */
export class RecentKeys {
  readonly #log: EventLog;
  readonly #codec: Pick<EventCodec<SocialEvent>, 'decode'>;

  constructor(log: EventLog, codec: Pick<EventCodec<SocialEvent>, 'decode'>) {
    this.#log = log;
    this.#codec = codec;
  }

  /** Newest first. @throws KitError LOG_UNAVAILABLE, STORE_UNAVAILABLE */
  async find(projection: Projection, { prefix, limit }: RecentKeysQuery): Promise<RecentKey[]> {
    const records = await this.#newest(projection.topics);
    const found = new Map<string, RecentKey>();
    for (const record of records) {
      const decoded = this.#codec.decode(record);
      if (!decoded.ok) continue;
      for (const { key, each } of projection.project(decoded.event, record)) {
        if (each !== undefined || !key.startsWith(prefix) || found.has(key) || found.size === MAX_KEYS) continue;
        found.set(key, { key, event_type: decoded.event.event_type, at: record.timestamp });
      }
    }
    const keys = [...found.values()];
    const documents = await projection.store.getMany(keys.map(({ key }) => key));
    return keys.filter((_, index) => documents[index] !== null).slice(0, limit);
  }

  async #newest(topics: readonly string[]): Promise<LogRecord[]> {
    const described = (await this.#log.describe(topics)).topics;
    const places = described.flatMap(({ name, partitions }) =>
      partitions.map(({ partition }): TopicPartition => ({ topic: name, partition })),
    );
    const ends = await this.#log.listOffsets(places.map((place) => ({ ...place, at: 'latest' as const })));
    const starts = await this.#log.listOffsets(places.map((place) => ({ ...place, at: 'earliest' as const })));
    const filled = places
      .map((place, index) => ({ ...place, start: starts[index]!, end: ends[index]! }))
      .filter(({ start, end }) => end > start)
      .slice(0, MAX_PARTITIONS);
    const each = Math.ceil(RECORDS / Math.max(1, filled.length));
    const batches = await Promise.all(
      filled.map(({ topic, partition, start, end }) =>
        this.#log.read({
          topic,
          partition,
          offset: Math.max(start, end - each),
          maxRecords: each,
          maxBytes: READ_BYTES,
        }),
      ),
    );
    return batches.flatMap(({ records }) => records).sort((a, b) => b.timestamp - a.timestamp);
  }
}
