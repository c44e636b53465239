/** The topics of the log, as its file has them: looked up here, changed one change after the other. */
import type { DatabaseSync } from 'node:sqlite';
import { KitError } from '../../errors.ts';
import type { TopicSpec } from '../event-log.ts';
import { checkTopicConfigs, type TopicConfigs, type TopicPolicy, topicPolicy } from './topic-configs.ts';
import { checkPartitionCount, checkTopic, randomId } from './topic-rules.ts';
import type { TopicCommand } from './writer-commands.ts';

export interface StoredTopic {
  /** The log's own; never given twice. */
  readonly id: number;
  /** 16 bytes in URL-safe base64, as Kafka's tools show it. */
  readonly uuid: string;
  readonly name: string;
  readonly partitions: number;
  /** What was set; see `TOPIC_CONFIGS` for the rest. */
  readonly config: TopicConfigs;
  readonly maxMessageBytes: number;
  /** Keeps the last record of each key, which every record needs then. */
  readonly compacted: boolean;
  readonly policy: TopicPolicy;
}

type Content = Pick<StoredTopic, 'id' | 'uuid' | 'name' | 'partitions' | 'config'>;

export class TopicCatalog {
  readonly #write: (command: TopicCommand) => Promise<readonly number[]>;
  /** Where a topic does not say otherwise. */
  readonly #maxMessageBytes: number;
  readonly #byName = new Map<string, StoredTopic>();
  readonly #byUuid = new Map<string, StoredTopic>();
  #changing: Promise<unknown> = Promise.resolve();

  /** @param write resolves when the command has been carried out */
  constructor(
    database: DatabaseSync,
    maxMessageBytes: number,
    write: (command: TopicCommand) => Promise<readonly number[]>,
  ) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#write = write;
    for (const row of database.prepare('SELECT id, uuid, name, partitions, config FROM topics').all()) {
      const config = JSON.parse(String(row.config)) as TopicConfigs;
      const [id, partitions] = [Number(row.id), Number(row.partitions)];
      this.#put({ id, uuid: String(row.uuid), name: String(row.name), partitions, config });
    }
  }

  [Symbol.iterator](): Iterator<StoredTopic> {
    return this.#byName.values();
  }

  /** Ascending by name. */
  all(): StoredTopic[] {
    return [...this].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** @throws KitError UNKNOWN_TOPIC */
  named(name: string): StoredTopic {
    const topic = this.#byName.get(name);
    if (topic !== undefined) return topic;
    throw new KitError('UNKNOWN_TOPIC', `There is no topic "${name}".`, { details: { topic: name } });
  }

  /** @throws KitError UNKNOWN_TOPIC_ID */
  withUuid(uuid: string): StoredTopic {
    const topic = this.#byUuid.get(uuid);
    if (topic !== undefined) return topic;
    throw new KitError('UNKNOWN_TOPIC_ID', `There is no topic with the id ${uuid}.`, { details: { topicId: uuid } });
  }

  /** @throws KitError INVALID_TOPIC, INVALID_PARTITIONS, INVALID_CONFIG, TOPIC_EXISTS */
  checkNew(spec: TopicSpec): void {
    checkTopic(spec);
    if (this.has(spec.name)) throw exists(spec.name);
  }

  /** @throws KitError UNKNOWN_TOPIC, INVALID_PARTITIONS */
  checkPartitions(name: string, count: number): void {
    checkPartitionCount(name, count, this.named(name).partitions + 1);
  }

  /** What the topic's configuration would be. @throws KitError UNKNOWN_TOPIC, INVALID_CONFIG */
  changedConfig(name: string, changes: Readonly<Record<string, string | null>>): TopicConfigs {
    const merged = Object.entries({ ...this.named(name).config, ...changes });
    const config = Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null));
    checkTopicConfigs(config);
    return config;
  }

  create(specs: readonly TopicSpec[]): Promise<void> {
    return this.#change(async () => {
      const names = new Set<string>();
      for (const spec of specs) {
        this.checkNew(spec);
        if (names.has(spec.name)) throw exists(spec.name);
        names.add(spec.name);
      }
      const topics = specs.map(({ name, partitions, config = {} }) => ({ name, uuid: randomId(), partitions, config }));
      const rows = topics.map((topic) => ({ ...topic, config: JSON.stringify(topic.config) }));
      const ids = await this.#write({ kind: 'create-topics', topics: rows });
      for (const [i, topic] of topics.entries()) this.#put({ id: ids[i]!, ...topic });
    });
  }

  /** Answers the topic that there was. */
  delete(name: string): Promise<StoredTopic> {
    return this.#change(async () => {
      const topic = this.named(name);
      await this.#write({ kind: 'drop-topic', topicId: topic.id });
      this.#byName.delete(name);
      this.#byUuid.delete(topic.uuid);
      return topic;
    });
  }

  addPartitions(name: string, count: number): Promise<void> {
    return this.#change(async () => {
      this.checkPartitions(name, count);
      await this.#alter({ ...this.named(name), partitions: count });
    });
  }

  alterConfig(name: string, changes: Readonly<Record<string, string | null>>): Promise<void> {
    return this.#change(async () => {
      await this.#alter({ ...this.named(name), config: this.changedConfig(name, changes) });
    });
  }

  async #alter(content: Content): Promise<void> {
    const { id: topicId, partitions, config } = content;
    await this.#write({ kind: 'alter-topic', topicId, partitions, config: JSON.stringify(config) });
    this.#put(content);
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const changing = this.#changing.then(work);
    this.#changing = changing.catch(() => {});
    return changing;
  }

  #put({ id, uuid, name, partitions, config }: Content): void {
    const policy = topicPolicy(config);
    const maxMessageBytes = Number(config['max.message.bytes'] ?? this.#maxMessageBytes);
    const topic = { id, uuid, name, partitions, config, maxMessageBytes, compacted: policy.compacts, policy };
    this.#byName.set(name, topic);
    this.#byUuid.set(uuid, topic);
  }
}

function exists(topic: string): KitError {
  return new KitError('TOPIC_EXISTS', `Topic "${topic}" exists already.`, { details: { topic } });
}
