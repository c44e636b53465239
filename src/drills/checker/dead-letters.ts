import { createHash } from 'node:crypto';
import { deadLetterTopic, originalHeaders, readDeadLetter, readMarker } from '../../kit/dlq/dead-letter.ts';
import type { LogRecord, NewRecord, TopicPartition } from '../../kit/log/event-log.ts';
import type { FindingList } from './finding-list.ts';
import { type PartitionLog, partitionText, placeText } from './partition-logs.ts';

interface Letter {
  readonly group: string;
  /** Where the dead letter lies. */
  readonly at: string;
  readonly digest: string;
  compared: boolean;
}

const NO_OFFSETS: ReadonlySet<number> = new Set();

/**
 * The dead letter topics, read first: they say which records have no effect.
 *
 * `dead-letter-mismatch`: a dead letter whose original is not in the log, or differs from it in key, value or headers
 * (compared by SHA-256); one that lies in another topic than its original's `.dlq`; a record there that is neither a
 * dead letter nor the mark of a replay.
 * Tolerated: the same dead letter several times (a crash between capture and transaction repeats it: one id, one entry),
 * each with the same bytes; an original before the log's earliest offset, which retention has taken.
 */
export class DeadLetters {
  readonly #findings: FindingList;
  /** By partition of the originals, by offset. */
  readonly #letters = new Map<string, Map<number, Letter[]>>();
  /** By group and partition of the originals. */
  readonly #offsets = new Map<string, Set<number>>();

  constructor(findings: FindingList) {
    this.#findings = findings;
  }

  /** A record of a dead letter topic. */
  add(record: LogRecord): void {
    const at = placeText(record, record.offset);
    const entry = readDeadLetter(record);
    if (entry === null) {
      if (readMarker(record) === null) {
        this.#findings.add('dead-letter-mismatch', () => `${at} is neither a dead letter nor the mark of a replay`);
      }
      return;
    }
    const { group, topic, partition, offset } = entry;
    if (record.topic !== deadLetterTopic(topic)) {
      this.#findings.add('dead-letter-mismatch', () => `${at} is a dead letter of ${placeText(entry, offset)}`);
    }
    const digest = digestOf({ ...record, headers: originalHeaders(record) });
    const place = partitionText({ topic, partition });
    const letters = entryOf(this.#letters, place, () => new Map<number, Letter[]>());
    entryOf(letters, offset, () => []).push({ group, at, digest, compared: false });
    entryOf(this.#offsets, `${group} ${place}`, () => new Set<number>()).add(offset);
  }

  /** Offsets that this group has given up, each once. */
  of(group: string, place: TopicPartition): ReadonlySet<number> {
    return this.#offsets.get(`${group} ${partitionText(place)}`) ?? NO_OFFSETS;
  }

  /** @param place `topic/partition/offset` */
  isDead(place: string): boolean {
    const slash = place.lastIndexOf('/');
    return this.#letters.get(place.slice(0, slash))?.has(Number(place.slice(slash + 1))) ?? false;
  }

  /** A record of the log, which may be the original of some. */
  compare(record: LogRecord): void {
    const letters = this.#letters.get(partitionText(record))?.get(record.offset);
    if (letters === undefined) return;
    const digest = digestOf(record);
    for (const letter of letters) {
      letter.compared = true;
      if (letter.digest === digest) continue;
      this.#findings.add(
        'dead-letter-mismatch',
        () => `${letter.at} differs from its original ${placeText(record, record.offset)} in key, value or headers`,
      );
    }
  }

  /** Once the whole log was compared. */
  finish(logs: ReadonlyMap<string, PartitionLog>): void {
    for (const [place, letters] of this.#letters) {
      const earliest = logs.get(place)?.earliest ?? 0;
      for (const [offset, copies] of letters) {
        for (const { at, compared, group } of copies) {
          if (compared || offset < earliest) continue;
          this.#findings.add(
            'dead-letter-mismatch',
            () => `${at}: its original ${place}@${offset} (group ${group}) is not in the log`,
          );
        }
      }
    }
  }
}

/** Every part with its length before it, so that no two records of different parts have the same digest. */
function digestOf({ key, value, headers }: Pick<NewRecord, 'key' | 'value' | 'headers'>): string {
  const hash = createHash('sha256');
  const add = (bytes: Buffer | string | null): void => {
    hash.update(bytes === null ? '-' : `${Buffer.byteLength(bytes)}:`);
    if (bytes !== null) hash.update(bytes);
  };
  add(key);
  add(value);
  for (const [name, bytes] of headers) {
    add(name);
    add(bytes);
  }
  return hash.digest('base64');
}

function entryOf<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}
