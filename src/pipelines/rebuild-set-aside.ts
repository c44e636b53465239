import { deadLetterTopic, readDeadLetter } from '../kit/dlq/dead-letter.ts';
import type { EventLog, PartitionOffset, TopicPartition } from '../kit/log/event-log.ts';
import { shared } from '../kit/monitoring/shared.ts';
import type { SetAside } from '../kit/projections/replay-swap.ts';
import { recordsOf } from './records-of.ts';

export interface Giving {
  readonly group: string;
  readonly topics: readonly string[];
}

type Places = ReadonlyMap<string, ReadonlySet<number>>;

/** What groups gave up: one reading of the dead letter topics for all who ask, on from where the one before has stopped. */
export class GivenUpReading {
  readonly #log: EventLog;
  readonly #topics: ReadonlySet<string>;
  /** By group and partition. */
  readonly #offsets: ReadonlyMap<string, Map<string, Set<number>>>;
  readonly #positions = new Map<string, number>();
  readonly #read = shared(
    () => this.#readOn(),
    0,
    () => performance.now(),
  );

  /** @param groups whose letters are kept; those of others are passed over */
  constructor(log: EventLog, groups: readonly Giving[]) {
    this.#log = log;
    this.#topics = new Set(groups.flatMap(({ topics }) => topics.map(deadLetterTopic)));
    this.#offsets = new Map(groups.map(({ group }) => [group, new Map()]));
  }

  /** What was captured before the call is known afterwards: a reading that is under way may have passed it. */
  refresh(): Promise<void> {
    this.#read.forget();
    return this.#read();
  }

  of(group: string): Places {
    return this.#offsets.get(group)!;
  }

  async #readOn(): Promise<void> {
    const known = (await this.#log.describe()).topics.filter(({ name }) => this.#topics.has(name));
    for (const { name: topic, partitions } of known)
      for (const { partition } of partitions) await this.#readPartition({ topic, partition });
  }

  async #readPartition(place: TopicPartition): Promise<void> {
    const from = this.#positions.get(placeKey(place)) ?? 0;
    for await (const records of recordsOf(this.#log, place, { from })) {
      for (const record of records) {
        this.#positions.set(placeKey(place), record.offset + 1);
        const letter = readDeadLetter(record);
        const own = letter === null ? undefined : this.#offsets.get(letter.group);
        if (letter === null || own === undefined) continue;
        const key = placeKey(letter);
        own.set(key, (own.get(key) ?? new Set()).add(letter.offset));
      }
    }
  }
}

/** What a projection's group gave up: a record that is there had no effect, replayed or not. */
export class GivenUp implements SetAside {
  readonly #reading: GivenUpReading;
  readonly #offsets: Places;

  /** @param reading that of several, the projection's group among them; default: one of its own */
  constructor(log: EventLog, projection: Giving, reading = new GivenUpReading(log, [projection])) {
    this.#reading = reading;
    this.#offsets = reading.of(projection.group);
  }

  refresh(): Promise<void> {
    return this.#reading.refresh();
  }

  has(place: PartitionOffset): boolean {
    return this.#offsets.size > 0 && this.#offsets.get(placeKey(place))?.has(place.offset) === true;
  }

  /** Each as `topic/partition/offset`. */
  *places(): Generator<string> {
    for (const [place, offsets] of this.#offsets) for (const offset of offsets) yield `${place}/${offset}`;
  }
}

function placeKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** Of a text that `places` gives. */
export function placeOfText(text: string): PartitionOffset {
  const [topic, partition, offset] = text.split('/') as [string, string, string];
  return { topic, partition: Number(partition), offset: Number(offset) };
}
