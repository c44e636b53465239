/** A producer and consumer as they should be, beside all the others: what is acknowledged to it is there, once, in order. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Reader, readRecordsBatch } from '@platformatic/kafka';
import type { Random } from '../../simulation/random.ts';
import { buildBatch } from '../support/batches.ts';
import { APIS } from '../support/requests.ts';
import { WireClient } from '../support/wire-client.ts';
import type { Message } from '../support/world.ts';

const TOPIC = 'honest';
const PARTITIONS = 2;
const FETCH_BYTES = 1_048_576;
const [PRODUCE_VERSION, FETCH_VERSION] = [9, 11];

export class HonestClient {
  /** Of records, all partitions together. */
  acknowledged = 0;
  verified = 0;
  readonly #client: WireClient;
  readonly #random: Random;
  readonly #producer: string;
  /** By partition: the number of the next record, which is its offset and its sequence, too. */
  readonly #written = new Array<number>(PARTITIONS).fill(0);
  readonly #start = new Array<number>(PARTITIONS).fill(0);
  readonly #read = new Array<number>(PARTITIONS).fill(0);

  static async start(port: number, random: Random): Promise<HonestClient> {
    const client = await WireClient.connect(port);
    const ask = async (api: string, version: number, message: Message): Promise<Message> =>
      (await client.request(APIS.get(api)!, version, message, 'honest')) as Message;
    const topic = { name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] };
    const created = await ask('CreateTopics', 5, { topics: [topic], timeoutMs: 5_000, validateOnly: false });
    assert.equal(created.topics[0].errorCode, 0);
    const { producerId } = await ask('InitProducerId', 2, { transactionalId: null, transactionTimeoutMs: 0 });
    return new HonestClient(client, random, String(producerId));
  }

  private constructor(client: WireClient, random: Random, producer: string) {
    this.#client = client;
    this.#random = random;
    this.#producer = producer;
  }

  /** Some records to each partition, then whatever can be read of it. @throws AssertionError */
  async turn(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await this.#append(partition);
      await this.#readOn(partition);
    }
  }

  /** All of it once more, from the beginning; then it may go. @throws AssertionError */
  async readAgain(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const end = this.#written[partition]!;
      this.#read[partition] = this.#start[partition]!;
      while (this.#read[partition]! < end) await this.#readOn(partition);
      const topics = [{ name: TOPIC, partitions: [{ partitionIndex: partition, offset: end }] }];
      const deleted = await this.#ask('DeleteRecords', 1, { topics, timeoutMs: 5_000 });
      assert.equal(deleted.topics[0].partitions[0].lowWatermark, end);
      this.#start[partition] = end;
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #append(partition: number): Promise<void> {
    const first = this.#written[partition]!;
    const count = this.#random.between(1, 20);
    const records = Array.from({ length: count }, (_, i) => {
      const value = `${partition}:${first + i}`;
      return { key: String(first + i), value: `${value} ${checksum(value)}`, delayMs: i };
    });
    const compression = this.#random.between(0, 4);
    const batch = buildBatch({
      timestamp: Date.now(),
      records,
      compression,
      producer: this.#producer,
      epoch: 0,
      sequence: first,
    });
    const request = {
      transactionalId: null,
      acks: -1,
      timeoutMs: 5_000,
      topicData: [{ name: TOPIC, partitionData: [{ index: partition, records: [batch] }] }],
    };
    const { responses } = await this.#ask('Produce', PRODUCE_VERSION, request);
    const { errorCode, baseOffset } = responses[0].partitionResponses[0];
    assert.deepEqual({ errorCode, baseOffset }, { errorCode: 0, baseOffset: first }, 'the acknowledgement');
    this.#written[partition] = first + count;
    this.acknowledged += count;
    if (!this.#random.chance(0.1)) return;
    // Sent again, it is acknowledged again, and stored once.
    const again = await this.#ask('Produce', PRODUCE_VERSION, request);
    assert.equal(again.responses[0].partitionResponses[0].errorCode, 0);
    assert.equal(again.responses[0].partitionResponses[0].baseOffset, first);
  }

  async #readOn(partition: number): Promise<void> {
    const from = this.#read[partition]!;
    const batches = await fetchBatches(this.#client, TOPIC, partition, from);
    for (const { key, value, offset } of batches.flatMap(recordsOf)) {
      if (offset < this.#read[partition]!) continue;
      assert.equal(offset, this.#read[partition], 'offsets have no holes');
      const text = `${partition}:${offset}`;
      assert.equal(value?.toString(), `${text} ${checksum(text)}`);
      assert.equal(key?.toString(), String(offset));
      this.#read[partition] = offset + 1;
      this.verified++;
    }
    assert.ok(this.#read[partition]! > from || from === this.#written[partition], 'what is there can be read');
  }

  async #ask(api: string, version: number, message: Message): Promise<Message> {
    return (await this.#client.request(APIS.get(api)!, version, message, 'honest')) as Message;
  }
}

function checksum(text: string): string {
  return createHash('sha1').update(text).digest('base64');
}

/** Whole batches from `offset` on; none at the end. @throws AssertionError for an error code */
export async function fetchBatches(
  client: WireClient,
  topic: string,
  partition: number,
  offset: number,
): Promise<Buffer[]> {
  const asked = {
    partition,
    fetchOffset: offset,
    partitionMaxBytes: FETCH_BYTES,
    currentLeaderEpoch: -1,
    logStartOffset: -1,
  };
  const response = (await client.request(APIS.get('Fetch')!, FETCH_VERSION, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: FETCH_BYTES,
    isolationLevel: 0,
    topics: [{ topic, partitions: [asked] }],
    forgottenTopicsData: [],
  })) as Message;
  const answer = response.responses[0].partitions[0];
  assert.equal(answer.errorCode, 0, `fetching ${topic}-${partition} from ${offset}`);
  const batches: Buffer[] = [];
  for (let rest: Buffer = Buffer.concat(answer.records ?? []); rest.length > 0; ) {
    const length = 12 + rest.readInt32BE(8);
    batches.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return batches;
}

/** By a reader that nobody here wrote. @throws whatever it says of damage */
export function recordsOf(batch: Buffer): { offset: number; key: Buffer | null; value: Buffer | null }[] {
  const read = readRecordsBatch(Reader.from(batch));
  return read.records.map(({ offsetDelta, key, value }) => ({
    offset: Number(read.firstOffset) + offsetDelta,
    key,
    value,
  }));
}
