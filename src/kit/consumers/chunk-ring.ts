import type { PartitionOffset, TopicPartition } from '../log/event-log.ts';

/** What one transaction settled: the offsets from `from` to before `next` of a partition. */
export interface TracedChunk {
  readonly from: number;
  readonly next: number;
  /** Records that were settled; offsets may have holes. */
  readonly records: number;
  /** Of them, how many have an entry of their own in the trace, or had one. */
  readonly exceptions: number;
  /** When it was durable, milliseconds since the epoch. */
  readonly storedAt: number;
  /** From its first record to that moment, fractions included. */
  readonly durationMs: number;
  /** The number of its first entry. */
  readonly firstEntry: number;
}

const FIRST_ROOM = 256;
const COLUMNS = 8;
const [PLACE, FROM, NEXT, RECORDS, EXCEPTIONS, STORED_AT, DURATION_MS, FIRST_ENTRY] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** The newest chunks of a consumer, all its partitions together: 64 bytes each, and no object for any of them. */
export class ChunkRing {
  readonly #max: number;
  readonly #places = new Map<string, number>();
  #rows = new Float64Array(FIRST_ROOM * COLUMNS);
  #added = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(at: TopicPartition, chunk: TracedChunk): void {
    const row = this.#rowOf(this.#added);
    const rows = this.#rows;
    rows[row + PLACE] = this.#placeOf(at);
    rows[row + FROM] = chunk.from;
    rows[row + NEXT] = chunk.next;
    rows[row + RECORDS] = chunk.records;
    rows[row + EXCEPTIONS] = chunk.exceptions;
    rows[row + STORED_AT] = chunk.storedAt;
    rows[row + DURATION_MS] = chunk.durationMs;
    rows[row + FIRST_ENTRY] = chunk.firstEntry;
    this.#added++;
  }

  /** The newest that settled this offset; a position that was set back settles it again. */
  find({ topic, partition, offset }: PartitionOffset): TracedChunk | null {
    const place = this.#places.get(`${topic}/${partition}`);
    if (place === undefined) return null;
    const rows = this.#rows;
    const room = rows.length / COLUMNS;
    for (let number = this.#added - 1; number >= Math.max(0, this.#added - room); number--) {
      const row = (number % room) * COLUMNS;
      if (rows[row + PLACE] === place && rows[row + FROM]! <= offset && offset < rows[row + NEXT]!)
        return {
          from: rows[row + FROM]!,
          next: rows[row + NEXT]!,
          records: rows[row + RECORDS]!,
          exceptions: rows[row + EXCEPTIONS]!,
          storedAt: rows[row + STORED_AT]!,
          durationMs: rows[row + DURATION_MS]!,
          firstEntry: rows[row + FIRST_ENTRY]!,
        };
    }
    return null;
  }

  /** Doubles the room until it is as large as it may be; from then on the oldest row is taken. */
  #rowOf(number: number): number {
    const room = this.#rows.length / COLUMNS;
    if (number >= room && room < this.#max) {
      const larger = new Float64Array(Math.min(2 * room, this.#max) * COLUMNS);
      larger.set(this.#rows);
      this.#rows = larger;
      return number * COLUMNS;
    }
    return (number % room) * COLUMNS;
  }

  #placeOf({ topic, partition }: TopicPartition): number {
    const name = `${topic}/${partition}`;
    let place = this.#places.get(name);
    if (place === undefined) {
      place = this.#places.size;
      this.#places.set(name, place);
    }
    return place;
  }
}
