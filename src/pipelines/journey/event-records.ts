/** The records of one event: where it was stored, where it was given up, where it was sent again. */
import { firstPlaceOf, readMarker } from '../../kit/dlq/dead-letter.ts';
import type { DeadLetterQueue } from '../../kit/dlq/dead-letter-queue.ts';
import type { EventLog, LogRecord, PartitionOffset } from '../../kit/log/event-log.ts';
import { shownTime } from '../../kit/schemas/formats.ts';
import { type EventFinder, placeOf, readRecord } from './event-finder.ts';
import { idMatcher } from './event-identity.ts';
import type { Letter, Place } from './journey-json.ts';
import { budgetOf, scan, spansOf } from './log-scan.ts';

export interface EventRecords {
  /** By publish time; the first is the original, as far as is known. */
  readonly records: readonly LogRecord[];
  readonly gone: readonly Place[];
  readonly letters: readonly Letter[];
}

export interface RecordParts {
  readonly log: Pick<EventLog, 'read' | 'describe' | 'listOffsets'>;
  readonly deadLetters: Pick<DeadLetterQueue, 'list'>;
  readonly finder: Pick<EventFinder, 'learn'>;
}

const MAX_LETTERS = 10_000;
/** Of a dead letter topic, behind the letter, to find when it was replayed. */
const MARKERS = { records: 50_000, ms: 500 };
/** A replay is marked as such once it is acknowledged; the producer gives up after this long. */
const MAX_ACK_MS = 125_000;
const REPLAYS = { records: 50_000, ms: 500 };
const REPLAY_COUNT = 'streamsocial-replay-count';

/** @param eventId null: of the record at the only place */
export async function recordsOf(
  parts: RecordParts,
  eventId: string | null,
  found: readonly PartitionOffset[],
  signal: AbortSignal,
): Promise<EventRecords> {
  const { log, finder } = parts;
  const records = new Map<string, LogRecord>();
  const gone: Place[] = [];
  const addPlace = async (place: PartitionOffset): Promise<void> => {
    if (records.has(nameOf(place))) return;
    const record = await readRecord(log, place);
    if (record === null) gone.push(plain(place));
    else await addRecord(record);
  };
  const addRecord = async (record: LogRecord): Promise<void> => {
    if (records.has(nameOf(record))) return;
    records.set(nameOf(record), record);
    if (eventId !== null) finder.learn(eventId, record);
    const first = placeOf(firstPlaceOf(record));
    if (first !== null && nameOf(first) !== nameOf(record)) await addPlace(first);
  };
  for (const place of found) await addPlace(place);
  const { entries } = await parts.deadLetters.list({ replayed: 'all', limit: MAX_LETTERS });
  const letters: Letter[] = [];
  // a replay may be given up and replayed in its turn
  const seen = new Set<string>();
  for (let more = true; more; ) {
    more = false;
    const places = new Set([...records.keys(), ...gone.map(nameOf)]);
    for (const entry of entries) {
      if (seen.has(entry.id) || !places.has(nameOf(entry))) continue;
      seen.add(entry.id);
      const letter = await letterOf(log, entry, signal);
      letters.push(letter);
      for (const replay of await replaysOf(log, letter, eventId, signal)) {
        more ||= !records.has(nameOf(replay));
        await addRecord(replay);
      }
    }
  }
  const byTime = [...records.values()].sort(
    (a, b) => a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset,
  );
  return { records: byTime, gone, letters: letters.sort((a, b) => (a.captured_at < b.captured_at ? -1 : 1)) };
}

/** How often the record says that its event was replayed; 0 of an original. */
export function replayCountOf({ headers }: LogRecord): number {
  const text = headers.findLast(([name]) => name === REPLAY_COUNT)?.[1]?.toString() ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

type Entry = Awaited<ReturnType<DeadLetterQueue['list']>>['entries'][number];

async function letterOf(log: RecordParts['log'], entry: Entry, signal: AbortSignal): Promise<Letter> {
  return {
    id: entry.id,
    group: entry.group,
    topic: entry.topic,
    partition: entry.partition,
    offset: entry.offset,
    code: entry.code,
    reason: entry.reason,
    delivery_count: entry.deliveryCount,
    first_failed_at: entry.firstFailedAt,
    captured_at: shownTime(entry.capturedAt),
    replay_count: entry.replayCount,
    replayed: entry.replayed,
    replayed_at: entry.replayed ? await markersOf(log, entry, signal) : [],
    record: plain(entry.at),
  };
}

/** When an entry was replayed, as the records behind it say. */
async function markersOf(log: RecordParts['log'], { id, at }: Entry, signal: AbortSignal): Promise<string[]> {
  const [to] = await log.listOffsets([{ ...at, at: 'latest' }]);
  const times: string[] = [];
  const spans = [{ topic: at.topic, partition: at.partition, from: at.offset + 1, to: to! }];
  await scan(log, 'forwards', spans, budgetOf(MARKERS.records, MARKERS.ms, signal), (record) => {
    if (readMarker(record)?.id === id) times.push(shownTime(record.timestamp));
    return false;
  });
  return times;
}

/** A replay went to the letter's partition, or to that of another key; it was in the log before its marker. */
async function replaysOf(
  log: RecordParts['log'],
  { topic, replayed_at, ...letter }: Letter,
  eventId: string | null,
  signal: AbortSignal,
): Promise<LogRecord[]> {
  const isOfEvent = idMatcher(eventId ?? nameOf({ topic, ...letter }));
  const found: LogRecord[] = [];
  for (const text of replayed_at) {
    const markedAt = Date.parse(text);
    const spans = await spansOf(log, [topic], Math.max(0, markedAt - MAX_ACK_MS), markedAt + 1_000);
    const own = spans.filter(({ partition }) => partition === letter.partition);
    const others = spans.filter(({ partition }) => partition !== letter.partition);
    const budget = budgetOf(REPLAYS.records, REPLAYS.ms, signal);
    const before = found.length;
    const visit = (record: LogRecord) => {
      const isReplay = replayCountOf(record) > 0 && isOfEvent(record) && !found.some((one) => isSame(one, record));
      if (isReplay) found.push(record);
      return isReplay;
    };
    await scan(log, 'backwards', own, budget, visit);
    if (found.length === before) await scan(log, 'backwards', others, budget, visit);
  }
  return found;
}

function isSame(a: PartitionOffset, b: PartitionOffset): boolean {
  return a.offset === b.offset && a.partition === b.partition && a.topic === b.topic;
}

function plain({ topic, partition, offset }: PartitionOffset): Place {
  return { topic, partition, offset };
}

export function nameOf({ topic, partition, offset }: PartitionOffset): string {
  return `${topic}/${partition}/${offset}`;
}
