/**
 * Who in a group reads which partition: the bytes that members exchange through the group's coordinator, and the
 * assignors that the group's leader runs. Bytes and results are those of Kafka's own clients, so that members of any
 * make can share a group. Source: Kafka `ConsumerProtocolSubscription.json`, `ConsumerProtocolAssignment.json`,
 * `RangeAssignor`, `RoundRobinAssignor`.
 */
import { Reader, Writer } from '@platformatic/kafka';
import { KitError } from '../errors.ts';
import type { TopicPartition } from './event-log.ts';

export interface Subscription {
  readonly topics: readonly string[];
  /** What the member owned when it wrote this (version 1); empty under the eager protocol. */
  readonly owned: readonly TopicPartition[];
}

export interface Subscriber {
  readonly memberId: string;
  readonly topics: readonly string[];
}

/** The partitions of each member, by member id; every subscriber has an entry. */
export type Assignments = ReadonlyMap<string, readonly TopicPartition[]>;
export type Assignor = (
  subscribers: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
) => Assignments;

const VERSION = 1;

export function encodeSubscription(topics: readonly string[]): Buffer {
  return Writer.create()
    .appendInt16(VERSION)
    .appendArray([...topics].sort(), (w, topic) => w.appendString(topic, false), false, false)
    .appendBytes(null, false)
    .appendArray([], () => {}, false, false).buffer;
}

/** Reads any version: later ones only add fields at the end. @throws KitError INCONSISTENT_GROUP_PROTOCOL */
export function decodeSubscription(bytes: Buffer): Subscription {
  return decoding('subscription', bytes, (reader) => {
    const version = reader.readInt16();
    const topics = reader.readArray((r) => r.readString(false), false, false);
    reader.readNullableBytes(false);
    return { topics, owned: version >= 1 ? readPartitions(reader) : [] };
  });
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
  return Writer.create()
    .appendInt16(VERSION)
    .appendArray(
      [...byTopic],
      (w, [topic, of]) =>
        w.appendString(topic, false).appendArray(of, (w2, { partition }) => w2.appendInt32(partition), false, false),
      false,
      false,
    )
    .appendBytes(null, false).buffer;
}

/** Empty bytes are an empty assignment. @throws KitError INCONSISTENT_GROUP_PROTOCOL */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return [];
  return decoding('assignment', bytes, (reader) => {
    reader.readInt16();
    return readPartitions(reader);
  });
}

function readPartitions(reader: Reader): TopicPartition[] {
  return reader
    .readArray(
      (r) => ({ topic: r.readString(false), partitions: r.readArray((r2) => r2.readInt32(), false, false) }),
      false,
      false,
    )
    .flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
}

function decoding<T>(what: string, bytes: Buffer, read: (reader: Reader) => T): T {
  try {
    return read(Reader.from(bytes));
  } catch (cause) {
    throw new KitError('INCONSISTENT_GROUP_PROTOCOL', `A group member's ${what} cannot be read.`, { cause });
  }
}

/** Topic by topic: runs of consecutive partitions, the first members get one more when they do not divide evenly. */
export const assignRange: Assignor = (subscribers, partitionCounts) => {
  const { members, result } = prepare(subscribers);
  for (const [topic, count] of sorted(partitionCounts)) {
    const readers = members.filter(({ topics }) => topics.includes(topic));
    let next = 0;
    readers.forEach(({ memberId }, index) => {
      const share = Math.floor(count / readers.length) + (index < count % readers.length ? 1 : 0);
      for (let i = 0; i < share; i++) result.get(memberId)!.push({ topic, partition: next++ });
    });
  }
  return result;
};

/** All partitions of all topics dealt like cards: members with equal subscriptions differ by one partition at most. */
export const assignRoundRobin: Assignor = (subscribers, partitionCounts) => {
  const { members, result } = prepare(subscribers);
  let turn = 0;
  for (const [topic, count] of sorted(partitionCounts)) {
    if (!members.some(({ topics }) => topics.includes(topic))) continue;
    for (let partition = 0; partition < count; partition++) {
      while (!members[turn % members.length]!.topics.includes(topic)) turn++;
      result.get(members[turn++ % members.length]!.memberId)!.push({ topic, partition });
    }
  }
  return result;
};

/**
 * In order of preference. Round robin is the default: it spreads topics of few partitions over all members.
 * Range is offered as well because it is the one that Kafka's Java consumers have by default.
 */
export const ASSIGNORS: ReadonlyMap<string, Assignor> = new Map([
  ['roundrobin', assignRoundRobin],
  ['range', assignRange],
]);

function prepare(subscribers: readonly Subscriber[]) {
  const members = [...subscribers].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  return { members, result: new Map(members.map(({ memberId }) => [memberId, [] as TopicPartition[]])) };
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
