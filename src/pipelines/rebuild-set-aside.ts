import { deadLetterTopic, readDeadLetter } from '../kit/dlq/dead-letter.ts';
import type { EventLog, PartitionOffset, TopicPartition } from '../kit/log/event-log.ts';
import type { SetAside } from '../kit/projections/replay-swap.ts';
import { recordsOf } from './records-of.ts';

/** What a projection's group gave up, by the dead letter topics: a record that is there had no effect, replayed or not. */
export class GivenUp implements SetAside {
  readonly #log: EventLog;
  readonly #projection: { readonly group: string; readonly topics: readonly string[] };
  readonly #offsets = new Map<string, Set<number>>();
  readonly #read = new Map<string, number>();

  constructor(log: EventLog, projection: { readonly group: string; readonly topics: readonly string[] }) {
    this.#log = log;
    this.#projection = projection;
  }

  async refresh(): Promise<void> {
    const topics = this.#projection.topics.map(deadLetterTopic);
    const known = (await this.#log.describe()).topics.filter(({ name }) => topics.includes(name));
    for (const { name: topic, partitions } of known) {
      for (const { partition } of partitions) await this.#readOn({ topic, partition });
    }
  }

  has(place: PartitionOffset): boolean {
    return this.#offsets.size > 0 && this.#offsets.get(placeKey(place))?.has(place.offset) === true;
  }

  /** Each as `topic/partition/offset`. */
  *places(): Generator<string> {
    for (const [place, offsets] of this.#offsets) for (const offset of offsets) yield `${place}/${offset}`;
  }

  async #readOn(place: TopicPartition): Promise<void> {
    const from = this.#read.get(placeKey(place)) ?? 0;
    for await (const records of recordsOf(this.#log, place, { from })) {
      for (const record of records) {
        this.#read.set(placeKey(place), record.offset + 1);
        const letter = readDeadLetter(record);
        if (letter === null || letter.group !== this.#projection.group) continue;
        const key = placeKey(letter);
        this.#offsets.set(key, (this.#offsets.get(key) ?? new Set()).add(letter.offset));
      }
    }
  }
}

function placeKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
