/** A small system that keeps its promises, for the checker to find nothing in: its log, its stores, its history. */
import { projectActivity } from '../../../src/domains/social/activity.ts';
import { project } from '../../../src/domains/social/engagement.ts';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import { type SeededRandom, seededRandom } from '../../../src/domains/social/seeded-random.ts';
import type { ObservedProjection } from '../../../src/drills/checker/findings.ts';
import type {
  ApplyOperation,
  HistoryEntry,
  Mark,
  OwnershipOperation,
  PublishOperation,
} from '../../../src/drills/history/history.ts';
import type { LogRecord, NewRecord, PartitionOffset, TopicPartition } from '../../../src/kit/log/event-log.ts';
import type { Delta } from '../../../src/kit/projections/projection-store.ts';
import { MemoryStore } from '../../support/memory-store.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** Distributes over the members of the union. */
type Changeable<T> = T extends unknown ? Mutable<T> : never;
export type Entry = Changeable<HistoryEntry>;
export type Publish = Mutable<PublishOperation>;
export type Apply = Mutable<ApplyOperation> & { offsets: number[]; parked: number[]; unparked: number[] };
export type Ownership = Mutable<OwnershipOperation>;

export interface Group {
  readonly id: string;
  readonly folded: ObservedProjection['folded'];
  readonly topics: readonly string[];
  readonly store: MemoryStore;
  project(event: SocialEvent): Delta[];
}

export const PARTITIONS: Readonly<Record<string, number>> = {
  'content-interactions': 2,
  'user-actions': 2,
  'system-events': 1,
};

export class World {
  readonly random: SeededRandom;
  /** By `topic/partition`. */
  readonly logs = new Map<string, LogRecord[]>();
  readonly history: Entry[] = [];
  readonly groups: readonly Group[] = [
    group('drill', 'engagement', ['content-interactions'], project),
    group('drill.activity', 'activity', ['user-actions', 'system-events'], projectActivity),
  ];
  /** When a store really lost its data: some time after its mark. */
  readonly lossesMs: number[] = [];
  /** What happened, by name, so that a test can tell that it did. */
  readonly counts = new Map<string, number>();
  #nowMs = 100_000;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    for (const [topic, partitions] of Object.entries(PARTITIONS)) {
      for (let partition = 0; partition < partitions; partition++) {
        this.logs.set(`${topic}/${partition}`, []);
        if (partition === 0) this.logs.set(`${topic}.dlq/0`, []);
      }
    }
  }

  /** A moment later than every one before. */
  tick(aboutMs = 4): number {
    this.#nowMs += 0.1 + this.random.next() * aboutMs;
    return this.#nowMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  chance(share: number): boolean {
    return this.random.next() < share;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  log(place: TopicPartition): LogRecord[] {
    return this.logs.get(`${place.topic}/${place.partition}`)!;
  }

  append(place: TopicPartition, { key, value, headers }: Omit<NewRecord, 'timestamp'>): PartitionOffset {
    const { topic, partition } = place;
    const log = this.log(place);
    const offset = log.length;
    log.push({ topic, partition, offset, key, value, headers, timestamp: 1_700_000_000_000 });
    return { topic, partition, offset };
  }

  placesOf({ topics }: Group): TopicPartition[] {
    return topics.flatMap((topic) =>
      Array.from({ length: PARTITIONS[topic]! }, (_, partition) => ({ topic, partition })),
    );
  }

  groupOf(topic: string): Group {
    return this.groups.find(({ topics }) => topics.includes(topic))!;
  }

  write<E extends Entry>(entry: E): E {
    this.history.push(entry);
    return entry;
  }

  mark(label: string): Mark {
    return this.write({ kind: 'mark', process: 'drill', atMs: this.tick(), label });
  }
}

function group(id: string, folded: Group['folded'], topics: readonly string[], toDeltas: Group['project']): Group {
  return { id, folded, topics, store: new MemoryStore(folded), project: toDeltas };
}

/** Any partition of the topic, always the same one for a key. */
export function partitionOf(topic: string, key: string): number {
  let sum = 0;
  for (const character of key) sum += character.charCodeAt(0);
  return sum % PARTITIONS[topic]!;
}
