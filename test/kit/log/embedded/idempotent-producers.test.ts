import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { LogStore, LogStoreOptions } from '../../../../src/kit/log/embedded/log-store.ts';
import { AT, append, directoryFor, HandClock, openStore, readAll, record, stamped } from './store-support.ts';

const LAST = 2 ** 31 - 1;
const outOfOrder = { code: 'OUT_OF_ORDER_SEQUENCE', retriable: false };

async function storeFor(t: TestContext, options: Partial<LogStoreOptions> = {}): Promise<LogStore> {
  const store = openStore(t, { directory: await directoryFor(t), ...options });
  await store.createTopics([{ name: 't', partitions: 2 }]);
  return store;
}

describe('idempotent producers', () => {
  test('one of the last five batches sent again is answered with the offset it has, and not stored', async (t) => {
    const store = await storeFor(t);
    for (let i = 0; i < 6; i++) assert.equal(await store.append(AT, stamped({ firstSequence: i * 10 }, 10)), i * 10);
    for (let i = 1; i < 6; i++) assert.equal(await store.append(AT, stamped({ firstSequence: i * 10 }, 10)), i * 10);
    await assert.rejects(store.append(AT, stamped({ firstSequence: 0 }, 10)), outOfOrder);
    await assert.rejects(store.append(AT, stamped({ firstSequence: 50 }, 9)), outOfOrder);
    assert.equal(store.offsets(AT).end, 60);
    assert.equal(readAll(store).length, 60);
    assert.equal(await store.append(AT, stamped({ firstSequence: 60 })), 60);
  });

  test('a gap is refused; another partition and another producer have sequences of their own', async (t) => {
    const store = await storeFor(t);
    await store.append(AT, stamped({ firstSequence: 0 }, 3));
    await assert.rejects(store.append(AT, stamped({ firstSequence: 4 })), outOfOrder);
    await assert.rejects(store.append(AT, stamped({ firstSequence: 2 })), outOfOrder);
    await store.append({ ...AT, partition: 1 }, stamped({ firstSequence: 0 }));
    await store.append(AT, stamped({ producerId: 8n, firstSequence: 0 }));
    await store.append(AT, stamped({ producerId: 2n ** 62n, firstSequence: 0 }));
    await store.append(AT, stamped({ firstSequence: 3 }));
  });

  test('a later epoch begins at 0 and ends the earlier one', async (t) => {
    const store = await storeFor(t);
    await store.append(AT, stamped({ firstSequence: 0 }));
    await assert.rejects(store.append(AT, stamped({ producerEpoch: 1, firstSequence: 1 })), outOfOrder);
    await store.append(AT, stamped({ producerEpoch: 1, firstSequence: 0 }));
    const fenced = { code: 'INVALID_PRODUCER_EPOCH', retriable: false };
    await assert.rejects(store.append(AT, stamped({ producerEpoch: 0, firstSequence: 1 })), fenced);
    await assert.rejects(store.append(AT, stamped({ producerEpoch: 0, firstSequence: 0 })), fenced);
    assert.equal(await store.append(AT, stamped({ producerEpoch: 1, firstSequence: 0 })), 1);
  });

  test('a producer that is not known may begin anywhere; sequences go on after 2^31 - 1 with 0', async (t) => {
    const store = await storeFor(t);
    await store.append(AT, stamped({ firstSequence: LAST - 3 }, 2));
    assert.equal(await store.append(AT, stamped({ firstSequence: LAST - 1 }, 5)), 2);
    assert.equal(await store.append(AT, stamped({ firstSequence: LAST - 1 }, 5)), 2);
    await assert.rejects(store.append(AT, stamped({ firstSequence: 4 })), outOfOrder);
    await store.append(AT, stamped({ firstSequence: 3 }));
    await store.append(AT, stamped({ producerId: 9n, firstSequence: LAST }));
    await store.append(AT, stamped({ producerId: 9n, firstSequence: 0 }));
    for (const broken of [{ firstSequence: -1 }, { producerEpoch: -1 }]) {
      await assert.rejects(store.append(AT, stamped(broken)), { code: 'INVALID_BATCH' });
    }
  });

  test('of batches that share a transaction each is judged after the one before; a refused one hinders no other', async (t) => {
    const store = await storeFor(t);
    const results = await Promise.allSettled([
      append(store, AT, [record('k', 'first')]),
      store.append(AT, stamped({ firstSequence: 0 }, 2)),
      store.append(AT, stamped({ firstSequence: 5 })),
      store.append(AT, stamped({ firstSequence: 2 })),
      store.append(AT, stamped({ firstSequence: 0 }, 2)),
      store.append({ ...AT, partition: 1 }, stamped({ firstSequence: 0 })),
      append(store, AT, [record('k', 'last')]),
    ]);
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code)),
      [0, 1, 'OUT_OF_ORDER_SEQUENCE', 3, 1, 0, 4],
    );
    assert.equal(store.offsets(AT).end, 5);
    assert.deepEqual(
      readAll(store).map(({ offset }) => offset),
      [0, 1, 2, 3, 4],
    );
  });

  test('what is known survives the end of the process and the deletion of the records, and ends after a day', async (t) => {
    const directory = await directoryFor(t);
    const clock = new HandClock();
    let store = openStore(t, { directory, clock });
    await store.createTopics([{ name: 't', partitions: 1 }]);
    await store.append(AT, stamped({ firstSequence: 0 }, 5));
    await store.append(AT, stamped({ producerId: 8n, firstSequence: 0 }));
    await store.deleteRecords(AT, -1);
    await store.cleanNow();
    await store.close();
    store = openStore(t, { directory, clock });
    assert.equal(await store.append(AT, stamped({ firstSequence: 0 }, 5)), 0);
    assert.equal(store.offsets(AT).end, 6);
    await assert.rejects(store.append(AT, stamped({ firstSequence: 6 })), outOfOrder);
    clock.pass(24 * 60 * 60 * 1_000 - 1);
    await store.append(AT, stamped({ firstSequence: 5 }));
    clock.pass(1);
    await assert.rejects(store.append(AT, stamped({ firstSequence: 5 }, 2)), outOfOrder);
    await store.append(AT, stamped({ producerId: 8n, firstSequence: 77 }));
  });

  test('a transaction that failed has taught the log nothing', async (t) => {
    const directory = await directoryFor(t);
    const store = openStore(t, { directory });
    await store.createTopics([{ name: 't', partitions: 2 }]);
    const database = new DatabaseSync(join(directory, 'log.db'));
    database.exec(`CREATE TRIGGER full BEFORE INSERT ON batches WHEN NEW.partition = 1
      BEGIN SELECT RAISE(ABORT, 'no space'); END`);
    // The first is written alone; the other two share a transaction.
    const [first, ...others] = await Promise.allSettled([
      store.append(AT, stamped({ firstSequence: 0 })),
      store.append(AT, stamped({ firstSequence: 1 })),
      append(store, { ...AT, partition: 1 }, [record('k', 'v')]),
    ]);
    assert.equal(first.status, 'fulfilled');
    for (const other of others) assert.equal(other.status === 'rejected' && other.reason.code, 'LOG_UNAVAILABLE');
    database.exec('DROP TRIGGER full');
    database.close();
    assert.equal(await store.append(AT, stamped({ firstSequence: 1 })), 1);
    assert.equal(store.offsets(AT).end, 2);
    assert.equal(await store.append(AT, stamped({ firstSequence: 1 })), 1);
    assert.equal(store.offsets(AT).end, 2);
  });

  test('any sequence of batches is judged as by the rules written down once more', async (t) => {
    const store = openStore(t);
    let round = 0;
    const send = fc.record({
      epoch: fc.integer({ min: 0, max: 2 }),
      /** From what would come next. */
      skew: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -4, max: 2 })),
      again: fc.option(fc.nat(6), { nil: null }),
      count: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(0, LAST - 4), fc.array(send, { maxLength: 25 }), async (from, sends) => {
        const at = { topic: `t${round++}`, partition: 0 };
        await store.createTopics([{ name: at.topic, partitions: 1 }]);
        const model = new Model(from);
        for (const { epoch, skew, again, count } of sends) {
          const old = again === null ? undefined : model.sent.at(-1 - again);
          const batch = old ?? { epoch, first: wrap(model.next(epoch) + skew), count };
          const expected = model.judge(batch);
          const { first: firstSequence, epoch: producerEpoch } = batch;
          const answer = await store.append(at, stamped({ producerEpoch, firstSequence }, batch.count)).then(
            (offset) => offset,
            (error) => error.code,
          );
          assert.equal(answer, expected, JSON.stringify(batch));
          assert.equal(store.offsets(at).end, model.end);
        }
      }),
      { numRuns: 150 },
    );
  });
});

interface Sent {
  readonly epoch: number;
  readonly first: number;
  readonly count: number;
}

function wrap(sequence: number): number {
  return ((sequence % (LAST + 1)) + LAST + 1) % (LAST + 1);
}

class Model {
  readonly #from: number;
  readonly sent: Sent[] = [];
  #stored: (Sent & { readonly offset: number })[] = [];
  #epoch = -1;
  end = 0;

  constructor(from: number) {
    this.#from = from;
  }

  next(epoch: number): number {
    const last = this.#stored.at(-1);
    if (last === undefined) return this.#from;
    return epoch === this.#epoch ? wrap(last.first + last.count) : 0;
  }

  judge(batch: Sent): number | string {
    const same = this.#stored.find((each) => each.first === batch.first && each.count === batch.count);
    if (batch.epoch === this.#epoch && same !== undefined) return same.offset;
    if (batch.epoch < this.#epoch) return 'INVALID_PRODUCER_EPOCH';
    if (this.#epoch >= 0 && batch.first !== this.next(batch.epoch)) return 'OUT_OF_ORDER_SEQUENCE';
    if (batch.epoch !== this.#epoch) this.#stored = [];
    this.#epoch = batch.epoch;
    const offset = this.end;
    this.#stored = [...this.#stored, { ...batch, offset }].slice(-5);
    this.sent.push(batch);
    this.end += batch.count;
    return offset;
  }
}
