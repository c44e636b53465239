import type {
  ConsumerGroup,
  GroupMember,
  JoinOptions,
  LogRecord,
  PartitionOffset,
  TopicPartition,
} from '../../src/kit/log/event-log.ts';

const BATCH_RECORDS = 500;

export interface MemoryPartition {
  readonly records: LogRecord[];
  earliest: number;
  end: number;
  /** Called when there is news. */
  readonly listeners: Set<() => void>;
}

/** What a group needs of its log. */
interface GroupLog {
  readonly down: boolean;
  partitionCount(topic: string): number;
  partition(at: TopicPartition): MemoryPartition;
}

/** Index of the first record at or after `offset`. */
export function firstAt(records: readonly LogRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A consumer group with eager rebalancing, one rebalance at a time. */
export class MemoryGroup implements ConsumerGroup {
  readonly id: string;
  readonly log: GroupLog;
  readonly #members: MemoryMember[] = [];
  readonly #committed = new Map<string, PartitionOffset>();
  #generation = 0;
  #joined = 0;
  #rebalancing: Promise<void> = Promise.resolve();

  constructor(id: string, log: GroupLog) {
    this.id = id;
    this.log = log;
  }

  get members(): readonly MemoryMember[] {
    return this.#members;
  }

  async join(options: JoinOptions): Promise<GroupMember> {
    const member = new MemoryMember(`member-${++this.#joined}`, this, options);
    await this.admit(member);
    return member;
  }

  async committed(): Promise<PartitionOffset[]> {
    return [...this.#committed.values()];
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    for (const offset of offsets) this.#committed.set(`${offset.topic}/${offset.partition}`, offset);
  }

  /** The coordinator gives a member up without its knowing: it goes on as a zombie until `discover`. */
  expel(member: MemoryMember): Promise<void> {
    this.#members.splice(this.#members.indexOf(member), 1);
    return this.#rebalance();
  }

  /** The zombie learns that it was expelled, and joins again. */
  async discover(member: MemoryMember): Promise<void> {
    await member.revoke(true);
    await this.admit(member);
  }

  async admit(member: MemoryMember): Promise<void> {
    this.#members.push(member);
    await this.#rebalance();
  }

  async dismiss(member: MemoryMember): Promise<void> {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members.splice(index, 1);
    await this.#rebalance();
  }

  async close(): Promise<void> {
    for (const member of [...this.#members]) await member.leave();
  }

  #rebalance(): Promise<void> {
    this.#rebalancing = this.#rebalancing.then(async () => {
      await Promise.all(this.#members.map((member) => member.revoke(false)));
      this.#generation++;
      const topics = [...new Set(this.#members.flatMap(({ options }) => options.topics))].sort();
      const partitions = topics.flatMap((topic) =>
        Array.from({ length: this.log.partitionCount(topic) }, (_, partition) => ({ topic, partition })),
      );
      for (const [index, member] of this.#members.entries()) {
        const share = partitions.filter((_, n) => n % this.#members.length === index);
        member.assign(this.#generation, share);
      }
    });
    return this.#rebalancing;
  }
}

interface Stream extends TopicPartition {
  offset: number;
  paused: boolean;
  wake: () => void;
}

export class MemoryMember implements GroupMember {
  readonly memberId: string;
  readonly options: JoinOptions;
  readonly ended: Promise<void>;
  generation = 0;
  readonly #group: MemoryGroup;
  readonly #end = Promise.withResolvers<void>();
  #assignment: readonly TopicPartition[] = [];
  #streams = new Map<string, Stream>();
  #delivering: Promise<unknown> = Promise.resolve();
  #revoking: Promise<void> | null = null;
  left = false;

  constructor(memberId: string, group: MemoryGroup, options: JoinOptions) {
    this.memberId = memberId;
    this.#group = group;
    this.options = options;
    this.ended = this.#end.promise;
    this.ended.catch(() => {});
  }

  assignment(): readonly TopicPartition[] {
    return this.#assignment;
  }

  /** The callbacks begin in a later turn, when the caller of `join` has the member in hand. */
  assign(generation: number, partitions: readonly TopicPartition[]): void {
    this.generation = generation;
    this.#assignment = partitions;
    if (partitions.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#delivering = promise;
    setImmediate(() => this.#begin(partitions).then(resolve, (error) => this.#fail(error, resolve)));
  }

  async #begin(partitions: readonly TopicPartition[]): Promise<void> {
    const starts = await this.options.onAssigned(partitions);
    if (this.#assignment !== partitions || this.#revoking !== null) return;
    const streams = partitions.map(({ topic, partition }): Stream => {
      const start = starts.find((s) => s.topic === topic && s.partition === partition);
      const offset = start?.offset ?? this.#group.log.partition({ topic, partition }).earliest;
      return { topic, partition, offset, paused: false, wake: () => {} };
    });
    for (const stream of streams) this.#streams.set(`${stream.topic}/${stream.partition}`, stream);
    this.#delivering = Promise.all(streams.map((stream) => this.#deliver(stream)));
  }

  async #deliver(stream: Stream): Promise<void> {
    const { topic, partition } = stream;
    const name = `${topic}/${partition}`;
    const log = this.#group.log.partition(stream);
    while (this.#streams.get(name) === stream) {
      const from = firstAt(log.records, stream.offset);
      if (stream.paused || this.#group.log.down || from === log.records.length) {
        const { promise, resolve } = Promise.withResolvers<void>();
        stream.wake = resolve;
        log.listeners.add(resolve);
        await promise;
        log.listeners.delete(resolve);
        continue;
      }
      const records = log.records.slice(from, from + BATCH_RECORDS);
      stream.offset = records.at(-1)!.offset + 1;
      await this.options.onRecords({ topic, partition, records, highWatermark: log.end });
    }
  }

  revoke(lost: boolean): Promise<void> {
    this.#revoking ??= this.#revoke(lost).finally(() => {
      this.#revoking = null;
    });
    return this.#revoking;
  }

  async #revoke(lost: boolean): Promise<void> {
    const owned = this.#assignment;
    const streams = [...this.#streams.values()];
    this.#streams = new Map();
    for (const { wake } of streams) wake();
    // Twice: the first may be the wait for `onAssigned`.
    await this.#delivering;
    await this.#delivering;
    if (owned.length > 0) await this.options.onRevoked(owned, lost);
    if (this.#assignment === owned) this.#assignment = [];
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const stream = this.#streams.get(`${topic}/${partition}`);
      if (stream !== undefined) stream.paused = true;
    }
  }

  resume({ topic, partition }: TopicPartition, offset: number): void {
    const stream = this.#streams.get(`${topic}/${partition}`);
    if (stream === undefined) return;
    stream.paused = false;
    stream.offset = offset;
    stream.wake();
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    await this.#group.commit(offsets);
  }

  async leave(): Promise<void> {
    if (this.left) return this.ended.catch(() => {});
    this.left = true;
    await this.revoke(false);
    await this.#group.dismiss(this);
    this.#end.resolve();
  }

  #fail(error: unknown, resolve: () => void): void {
    resolve();
    this.#end.reject(error);
  }
}
