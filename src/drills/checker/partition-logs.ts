/** The log as it was read, nine bytes a record. */
import type { LogRecord, TopicPartition } from '../../kit/log/event-log.ts';
import type { Observation } from './findings.ts';
import type { Identities } from './identities.ts';

/** There is no record at this offset. */
export const ABSENT = -2;
/** There is one, and nobody sent it. */
export const UNSENT = -1;

export class PartitionLog implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly earliest: number;
  readonly latest: number;
  /** By offset from `earliest` on. */
  readonly identity: Int32Array;
  readonly key: Int32Array;
  /** How many acknowledgements name this record; 2 stands for more. */
  readonly claims: Uint8Array;
  /** Sent again from a dead letter topic: by nobody's publish. */
  readonly replays = new Set<number>();
  records = 0;

  constructor({ topic, partition, earliest, latest }: Observation['partitions'][number]) {
    this.topic = topic;
    this.partition = partition;
    this.earliest = earliest;
    this.latest = latest;
    const length = Math.max(0, latest - earliest);
    this.identity = new Int32Array(length).fill(ABSENT);
    this.key = new Int32Array(length);
    this.claims = new Uint8Array(length);
  }

  add(record: LogRecord, identity: number, identities: Identities): void {
    const at = record.offset - this.earliest;
    this.identity[at] = identity;
    this.key[at] = identities.addKey(record.topic, record.key);
    this.records += 1;
  }

  holds(offset: number): boolean {
    return this.identityAt(offset) !== ABSENT;
  }

  identityAt(offset: number): number {
    return this.identity[offset - this.earliest] ?? ABSENT;
  }
}

/** As examples name a place: `topic/partition@offset`. */
export function placeText({ topic, partition }: TopicPartition, offset: number): string {
  return `${topic}/${partition}@${offset}`;
}

export function partitionText({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
