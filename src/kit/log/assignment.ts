/**
 * Who in a group reads which partition: the bytes that members exchange through the group's coordinator, and the
 * assignors that the group's leader runs. Bytes and results are those of Kafka's own clients, so that members of any
 * make can share a group. Source: Kafka `ConsumerProtocolSubscription.json`, `ConsumerProtocolAssignment.json`,
 * `RangeAssignor`, `RoundRobinAssignor`.
 */
import { KitError } from '../errors.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
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
const NO_USER_DATA = -1;

export function encodeSubscription(topics: readonly string[]): Buffer {
  const out = new ByteWriter();
  out.int16(VERSION);
  writeArray(out, [...topics].sort(), (topic) => writeText(out, topic));
  out.int32(NO_USER_DATA);
  writeArray(out, [], () => {});
  return Buffer.concat(out.pieces());
}

/** Reads any version: later ones only add fields at the end. @throws KitError INCONSISTENT_GROUP_PROTOCOL */
export function decodeSubscription(bytes: Buffer): Subscription {
  return decoding('subscription', bytes, (reader) => {
    const version = reader.int16();
    const topics = readArray(reader, () => readText(reader));
    reader.slice(Math.max(0, reader.int32()));
    return { topics, owned: version >= 1 ? readPartitions(reader) : [] };
  });
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const out = new ByteWriter();
  out.int16(VERSION);
  writeArray(out, [...Map.groupBy(partitions, ({ topic }) => topic)], ([topic, of]) => {
    writeText(out, topic);
    writeArray(out, of, ({ partition }) => out.int32(partition));
  });
  out.int32(NO_USER_DATA);
  return Buffer.concat(out.pieces());
}

/** Empty bytes are an empty assignment. @throws KitError INCONSISTENT_GROUP_PROTOCOL */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return [];
  return decoding('assignment', bytes, (reader) => {
    reader.int16();
    return readPartitions(reader);
  });
}

function readPartitions(reader: ByteReader): TopicPartition[] {
  return readArray(reader, () => {
    const topic = readText(reader);
    return readArray(reader, () => ({ topic, partition: reader.int32() }));
  }).flat();
}

function readText(reader: ByteReader): string {
  return reader.text(reader.int16());
}

/** Null is empty. */
function readArray<T>(reader: ByteReader, element: () => T): T[] {
  const length = Math.max(0, reader.int32());
  reader.expectElements(length);
  return Array.from({ length }, element);
}

function writeText(out: ByteWriter, text: string): void {
  const bytes = Buffer.from(text);
  out.int16(bytes.length);
  out.bytes(bytes);
}

function writeArray<T>(out: ByteWriter, elements: readonly T[], write: (element: T) => void): void {
  out.int32(elements.length);
  for (const element of elements) write(element);
}

function decoding<T>(what: string, bytes: Buffer, read: (reader: ByteReader) => T): T {
  try {
    return read(new ByteReader(bytes));
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
