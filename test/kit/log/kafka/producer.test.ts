import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type API, Reader, readRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import { isKitError, type KitError } from '../../../../src/kit/errors.ts';
import type { AppendBatch } from '../../../../src/kit/log/event-log.ts';
import { unavailable } from '../../../../src/kit/log/kafka/errors.ts';
import { Producer, type ProducerCluster } from '../../../../src/kit/log/kafka/producer.ts';

/** What happens to one produce request. `late`: it reaches the broker after the next one, its sender long gone. */
const FATES = [
  'stored',
  'stored',
  'stored',
  'refused connection',
  'lost on the way',
  'answer lost',
  'timed out',
  'moved',
  'moved after',
  'no replicas',
  'late',
  'forgotten',
] as const;
type Fate = (typeof FATES)[number];

const CODE = { duplicate: 46, outOfOrder: 45, timedOut: 7, notLeader: 6, notEnoughReplicas: 19, unknownProducer: 59 };
const NO_ANSWER = (sent: boolean): KitError => unavailable('no answer', { details: { sent } });

interface StoredBatch {
  readonly producerId: bigint;
  readonly sequence: number;
  readonly baseOffset: number;
  readonly count: number;
}

/** One partition of a broker that checks sequences as Kafka's does (ProducerAppendInfo, ProducerStateEntry). */
class ModelBroker implements ProducerCluster {
  readonly requestTimeoutMs = 1_000;
  readonly log: string[] = [];
  readonly #batches: StoredBatch[] = [];
  readonly #forgotten = new Set<bigint>();
  readonly #fates: Fate[];
  #late: Buffer[] = [];
  #nextProducerId = 0n;

  constructor(fates: readonly Fate[]) {
    this.#fates = [...fates];
  }

  /** Nothing takes so long here that it would be looked after. */
  readonly clock = { now: () => 0, after: () => () => {} };

  async leader(): Promise<number> {
    return 1;
  }

  refresh(): never {
    assert.fail('nothing waits');
  }

  forget(): void {}

  async pause(): Promise<void> {}

  persist<T>(attempt: () => Promise<T>): Promise<T> {
    return attempt();
  }

  async askAny<A extends unknown[], R>(api: API<A, R>): Promise<R> {
    assert.equal(api.key, 22);
    return { errorCode: 0, producerId: this.#nextProducerId++, producerEpoch: 0 } as R;
  }

  async askNode<A extends unknown[], R>(_node: number, api: API<A, R>, args: A): Promise<R> {
    assert.equal(api.key, 0);
    const [batches] = args as unknown as [{ at: { topic: string; partition: number }; bytes: Buffer }[]];
    const [{ at, bytes }] = batches as [(typeof batches)[number]];
    const { errorCode, baseOffset } = this.#produce(bytes);
    const answer = {
      index: at.partition,
      errorCode,
      baseOffset: BigInt(baseOffset),
      errorMessage: null,
      recordErrors: [],
    };
    return { responses: [{ name: at.topic, partitionResponses: [answer] }] } as R;
  }

  /** Requests that were under way when their senders gave up. */
  arrive(): void {
    for (const bytes of this.#late.splice(0)) this.#append(bytes);
  }

  find(producerId: bigint, sequence: number): number | undefined {
    return this.#batches.find((batch) => batch.producerId === producerId && batch.sequence === sequence)?.baseOffset;
  }

  #produce(bytes: Buffer): { errorCode: number; baseOffset: number } {
    const overtaken = this.#late.splice(0);
    try {
      return this.#meet(this.#fates.shift() ?? 'stored', bytes);
    } finally {
      for (const late of overtaken) this.#append(late);
    }
  }

  #meet(fate: Fate, bytes: Buffer): { errorCode: number; baseOffset: number } {
    const failed = (errorCode: number) => ({ errorCode, baseOffset: -1 });
    switch (fate) {
      case 'stored':
        return this.#append(bytes);
      case 'refused connection':
        throw NO_ANSWER(false);
      case 'lost on the way':
        throw NO_ANSWER(true);
      case 'late':
        this.#late.push(bytes);
        throw NO_ANSWER(true);
      case 'answer lost':
        this.#append(bytes);
        throw NO_ANSWER(true);
      case 'timed out':
        this.#append(bytes);
        return failed(CODE.timedOut);
      case 'moved':
        return failed(CODE.notLeader);
      case 'moved after':
        this.#append(bytes);
        return failed(CODE.notLeader);
      case 'no replicas':
        return failed(CODE.notEnoughReplicas);
      case 'forgotten': {
        const { producerId } = readRecordsBatch(Reader.from(bytes));
        // Only an id whose batches all have been acknowledged may expire: it takes a day.
        if (this.find(producerId, readRecordsBatch(Reader.from(bytes)).firstSequence) !== undefined)
          return this.#append(bytes);
        this.#forgotten.add(producerId);
        return this.#append(bytes);
      }
    }
  }

  #append(bytes: Buffer): { errorCode: number; baseOffset: number } {
    const { producerId, firstSequence: sequence, records } = readRecordsBatch(Reader.from(bytes));
    if (this.#forgotten.has(producerId)) return { errorCode: CODE.unknownProducer, baseOffset: -1 };
    const known = this.#batches.filter((batch) => batch.producerId === producerId);
    const index = known.findIndex((batch) => batch.sequence === sequence);
    const cached = index >= 0 && index >= known.length - 5;
    if (cached) return { errorCode: 0, baseOffset: known[index]!.baseOffset };
    if (index >= 0) return { errorCode: CODE.duplicate, baseOffset: -1 };
    const last = known.at(-1);
    const expected = last === undefined ? 0 : last.sequence + last.count;
    if (sequence !== expected) return { errorCode: CODE.outOfOrder, baseOffset: -1 };
    const baseOffset = this.log.length;
    this.#batches.push({ producerId, sequence, baseOffset, count: records.length });
    this.log.push(...records.map(({ value }) => String(value)));
    return { errorCode: 0, baseOffset };
  }
}

const AT = { topic: 'events', partition: 0 };

function batchOf(values: readonly string[]): AppendBatch {
  return {
    ...AT,
    records: values.map((value) => ({ key: null, value: Buffer.from(value), headers: [], timestamp: 1 })),
  };
}

function producerOn(broker: ModelBroker): Producer {
  return new Producer(broker, async (_at, { producerId, firstSequence }) => broker.find(producerId, firstSequence));
}

describe('idempotent appends', () => {
  test('whatever befalls requests: acknowledged once, in order, at the offset told; given up at most once', async () => {
    const step = fc.record({
      count: fc.integer({ min: 1, max: 4 }),
      attempts: fc.integer({ min: 1, max: 6 }),
      revive: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...FATES), { maxLength: 60 }),
        fc.array(step, { minLength: 1, maxLength: 15 }),
        async (fates, steps) => {
          const broker = new ModelBroker(fates);
          const producer = producerOn(broker);
          const acknowledged: string[] = [];
          const revived = new Set<string>();
          const givenUp: (readonly string[])[] = [];
          const batches = new Map<readonly string[], AppendBatch>();
          const attempt = async (values: readonly string[]): Promise<boolean> => {
            try {
              const { baseOffset } = await producer.append(batches.get(values)!);
              assert.deepEqual(broker.log.slice(baseOffset, baseOffset + values.length), values);
              return true;
            } catch (error) {
              assert.ok(isKitError(error) && error.retriable, String(error));
              if (error.details.maybeStored === false) {
                broker.arrive();
                assert.ok(!broker.log.includes(values[0]!), `${values[0]} is stored`);
              }
              return false;
            }
          };
          for (const [index, { count, attempts, revive }] of steps.entries()) {
            const values = Array.from({ length: count }, (_, i) => `${index}.${i}`);
            batches.set(values, batchOf(values));
            let stored = false;
            for (let i = 0; i < attempts && !stored; i++) stored = await attempt(values);
            if (stored) acknowledged.push(...values);
            else givenUp.push(values);
            // Somebody may try again what the lane has left behind: in no order, but still no more than once.
            if (revive && givenUp[0] !== undefined && (await attempt(givenUp[0]))) {
              for (const value of givenUp.shift()!) revived.add(value);
            }
          }
          broker.arrive();
          assert.equal(new Set(broker.log).size, broker.log.length, `stored twice: ${broker.log}`);
          assert.ok([...revived].every((value) => broker.log.includes(value)));
          const wanted = new Set(acknowledged);
          assert.deepEqual(
            broker.log.filter((value) => wanted.has(value)),
            acknowledged,
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('a retry is the same bytes, also after the lane has gone on without it', async () => {
    const broker = new ModelBroker(['answer lost', 'stored', 'stored']);
    const producer = producerOn(broker);
    const givenUp = batchOf(['a', 'b']);
    await assert.rejects(producer.append(givenUp), { code: 'LOG_UNAVAILABLE', retriable: true });
    assert.deepEqual(await producer.append(batchOf(['c'])), { baseOffset: 2 });
    assert.deepEqual(await producer.append(givenUp), { baseOffset: 0 });
    assert.deepEqual(await producer.append(givenUp), { baseOffset: 0 });
    assert.deepEqual(broker.log, ['a', 'b', 'c']);
  });

  test('two appends to a partition at once are a mistake that is told', async () => {
    const producer = producerOn(new ModelBroker([]));
    const first = producer.append(batchOf(['a']));
    await assert.rejects(producer.append(batchOf(['b'])), { code: 'APPEND_OVERLAP', retriable: false });
    await first;
    await assert.rejects(producer.append(batchOf([])), { code: 'EMPTY_BATCH' });
  });
});
