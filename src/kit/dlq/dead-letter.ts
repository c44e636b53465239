/**
 * A dead letter on the log: the original key, value and headers, untouched, and nine headers of ours behind them.
 * The names `__dlq.errors.*` follow Kafka Connect's `__connect.errors.*` (KIP-298).
 */
import type { Header, LogRecord, PartitionOffset } from '../log/event-log.ts';

export interface DeadLetter {
  readonly record: LogRecord;
  readonly group: string;
  readonly code: string;
  readonly reason: string;
  readonly deliveryCount: number;
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number;
}

/** What is known of a dead letter without its bytes. */
export interface DeadLetterEntry {
  /** group/topic/partition/offset of the original */
  readonly id: string;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The key as text, cut to 256 characters. */
  readonly key: string | null;
  readonly code: string;
  readonly reason: string;
  readonly deliveryCount: number;
  /** RFC 3339. */
  readonly firstFailedAt: string;
  /** How often the event has been replayed, by this entry or by one before it. */
  readonly replayCount: number;
  /** Whether this entry was replayed; it is then no longer open. */
  readonly replayed: boolean;
  readonly valueBytes: number;
  /** When it was set aside, milliseconds since the epoch. */
  readonly capturedAt: number;
  /** Where the dead letter lies. */
  readonly at: PartitionOffset;
}

/** The record that says that an entry was replayed, and how often so far. */
export interface ReplayMarker {
  readonly id: string;
  readonly replays: number;
}

const SUFFIX = '.dlq';
const REPLAY_COUNT = 'streamsocial-replay-count';
const REPLAY_OF = 'streamsocial-replay-of';
const REPLAYED = 'streamsocial-dlq-replayed';
const NAMES = [
  '__dlq.errors.topic',
  '__dlq.errors.partition',
  '__dlq.errors.offset',
  '__dlq.errors.group',
  '__dlq.errors.delivery.count',
  '__dlq.errors.message',
  'streamsocial-error-code',
  'streamsocial-first-failed-at',
  REPLAY_COUNT,
] as const;
/** Room that a dead letter needs beyond its original. */
export const HEADER_ROOM_BYTES = 65_536;
const MAX_REASON_LENGTH = 1_024;
const MAX_KEY_LENGTH = 256;

export function deadLetterTopic(topic: string): string {
  return topic + SUFFIX;
}

export function isDeadLetterTopic(topic: string): boolean {
  return topic.endsWith(SUFFIX);
}

/** How often this record has been replayed already, as its header says. */
function replayCountOf(headers: readonly Header[]): number {
  const text = headers.findLast(([name]) => name === REPLAY_COUNT)?.[1]?.toString() ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

export function deadLetterHeaders(letter: DeadLetter): Header[] {
  const { record } = letter;
  const values = [
    record.topic,
    record.partition,
    record.offset,
    letter.group,
    letter.deliveryCount,
    letter.reason.slice(0, MAX_REASON_LENGTH),
    letter.code,
    new Date(letter.firstFailedAt).toISOString(),
    replayCountOf(record.headers),
  ];
  return [...record.headers, ...NAMES.map((name, index): Header => [name, Buffer.from(String(values[index]))])];
}

/** Ours are the last ones, whatever the original carried. */
export function originalHeaders(record: LogRecord): readonly Header[] {
  return record.headers.slice(0, -NAMES.length);
}

/** Null for a record that is no dead letter of ours. */
export function readDeadLetter(record: LogRecord): DeadLetterEntry | null {
  const headers = record.headers.slice(-NAMES.length);
  if (headers.length < NAMES.length || headers.some(([name], index) => name !== NAMES[index])) return null;
  const [topic, partition, offset, group, deliveryCount, reason, code, firstFailedAt, replayCount] = headers.map(
    ([, value]) => value?.toString() ?? '',
  ) as [string, string, string, string, string, string, string, string, string];
  return {
    id: `${group}/${topic}/${partition}/${offset}`,
    group,
    topic,
    partition: Number(partition),
    offset: Number(offset),
    key: record.key === null ? null : record.key.toString('utf8', 0, MAX_KEY_LENGTH * 4).slice(0, MAX_KEY_LENGTH),
    code,
    reason,
    deliveryCount: Number(deliveryCount),
    firstFailedAt,
    replayCount: Number(replayCount),
    replayed: false,
    valueBytes: record.value?.length ?? 0,
    capturedAt: record.timestamp,
    at: { topic: record.topic, partition: record.partition, offset: record.offset },
  };
}

/**
 * Headers of an event on its way back to its topic. The place of its first try goes along, for codecs that make the id of an
 * event that brings none from its place: however often it is replayed, it has one id.
 */
export function replayHeaders(original: readonly Header[], replayCount: number, place: PartitionOffset): Header[] {
  const kept = original.filter(([name]) => name !== REPLAY_COUNT);
  const first = kept.some(([name]) => name === REPLAY_OF) ? [] : [[REPLAY_OF, Buffer.from(placeText(place))] as const];
  return [...kept, ...first, [REPLAY_COUNT, Buffer.from(String(replayCount))]];
}

/** `topic/partition/offset` of the record, or of the one that it is a replay of. */
export function firstPlaceOf(record: LogRecord): string {
  const replayed = record.headers.find(([name]) => name === REPLAY_OF);
  return replayed?.[1]?.toString() ?? placeText(record);
}

function placeText({ topic, partition, offset }: PartitionOffset): string {
  return `${topic}/${partition}/${offset}`;
}

export function markerHeaders(marker: ReplayMarker): Header[] {
  return [
    [REPLAYED, Buffer.from(marker.id)],
    [REPLAY_COUNT, Buffer.from(String(marker.replays))],
  ];
}

export function readMarker(record: LogRecord): ReplayMarker | null {
  const [first] = record.headers;
  if (record.value !== null || record.headers.length !== 2 || first?.[0] !== REPLAYED) return null;
  return { id: first[1]?.toString() ?? '', replays: replayCountOf(record.headers) };
}
