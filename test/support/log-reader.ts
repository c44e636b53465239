/**
 * What is in a log, by another way than the platform's: kafkajs over Kafka's protocol, and a fold of its own over the raw
 * records. Tests compare with it what the platform says.
 */
import { randomUUID } from 'node:crypto';
import { type Admin, type Consumer, Kafka, type KafkaMessage, logLevel, type Producer } from 'kafkajs';
import { until } from './until.ts';

export interface Folded {
  /** Next offset by partition. */
  readonly ends: ReadonlyMap<string, readonly number[]>;
  /** Likes by content, each event once, of CloudEvents in binary mode. */
  readonly likes: ReadonlyMap<string, number>;
  /** Records of the `.dlq` topics. */
  readonly deadLetters: number;
}

export class LogReader {
  readonly topics: readonly string[];
  readonly #admin: Admin;
  readonly #consumer: Consumer;
  readonly #producer: Producer;
  readonly #next = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #likes = new Map<string, number>();
  #deadLetters = 0;

  /** @param topics of which the ones that end in `.dlq` hold dead letters; they have to be there */
  static async open(bootstrap: readonly string[], topics: readonly string[]): Promise<LogReader> {
    const kafka = new Kafka({ clientId: 'log-reader', brokers: [...bootstrap], logLevel: logLevel.NOTHING });
    const reader = new LogReader(kafka, topics);
    try {
      await reader.#start();
    } catch (error) {
      await reader.close();
      throw error;
    }
    return reader;
  }

  private constructor(kafka: Kafka, topics: readonly string[]) {
    this.topics = topics;
    this.#admin = kafka.admin();
    this.#producer = kafka.producer();
    this.#consumer = kafka.consumer({ groupId: `log-reader-${randomUUID()}`, maxWaitTimeInMs: 100 });
  }

  async #start(): Promise<void> {
    await Promise.all([this.#admin.connect(), this.#producer.connect(), this.#consumer.connect()]);
    await this.#consumer.subscribe({ topics: [...this.topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const message of batch.messages) this.#fold(batch.topic, message);
        this.#next.set(`${batch.topic}/${batch.partition}`, Number(batch.lastOffset()) + 1);
      },
    });
  }

  #fold(topic: string, { key, value, headers }: KafkaMessage): void {
    if (topic.endsWith('.dlq')) {
      this.#deadLetters += 1;
      return;
    }
    const [type, id, content] = [headers?.ce_type, headers?.ce_id, key].map(String);
    if (type !== 'post_liked' || this.#seen.has(id!) || !isJson(value)) return;
    this.#seen.add(id!);
    this.#likes.set(content!, (this.#likes.get(content!) ?? 0) + 1);
  }

  /** All that was in the log when this was called, and perhaps more. */
  async now(): Promise<Folded> {
    const ends = new Map<string, number[]>();
    for (const topic of this.topics) ends.set(topic, await this.ends(topic));
    const isRead = ([topic, offsets]: readonly [string, readonly number[]]) =>
      offsets.every((end, partition) => (this.#next.get(`${topic}/${partition}`) ?? 0) >= end);
    await until(() => [...ends].every(isRead), { what: 'the reader at the end of the log', everyMs: 10 });
    return { ends, likes: new Map(this.#likes), deadLetters: this.#deadLetters };
  }

  async ends(topic: string): Promise<number[]> {
    const offsets = await this.#admin.fetchTopicOffsets(topic);
    return offsets.sort((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
  }

  /** For a group without members. */
  async commit(groupId: string, topic: string, offsets: readonly number[]): Promise<void> {
    const partitions = offsets.map((offset, partition) => ({ partition, offset: String(offset) }));
    await this.#admin.setOffsets({ groupId, topic, partitions });
  }

  /** A record as it is, unchecked. */
  async write(topic: string, key: string, value: string): Promise<void> {
    await this.#producer.send({ topic, messages: [{ key, value }] });
  }

  async close(): Promise<void> {
    await Promise.all([this.#consumer.disconnect(), this.#producer.disconnect(), this.#admin.disconnect()]);
  }
}

function isJson(value: Buffer | null): boolean {
  try {
    JSON.parse(String(value));
    return true;
  } catch {
    return false;
  }
}
