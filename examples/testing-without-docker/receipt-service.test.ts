/** Its tests: a real log and Kafka's protocol, in this process, in well under a second each. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startBroker, type TestBroker } from 'streamsocial/testing';
import { startReceiptService } from './receipt-service.ts';

async function start(t: TestContext, { idempotent = true } = {}): Promise<TestBroker> {
  const broker = await startBroker({ topics: { orders: 3, receipts: 1 } });
  const service = await startReceiptService({ brokers: [broker.bootstrap], idempotent });
  t.after(async () => {
    await service.stop();
    await broker.close();
  });
  return broker;
}

async function order({ log }: TestBroker, id: string, cents: number): Promise<void> {
  const value = Buffer.from(JSON.stringify({ id, cents }));
  await log.append({
    topic: 'orders',
    partition: 0,
    records: [{ key: null, value, headers: [], timestamp: Date.now() }],
  });
}

/** Every receipt up to the one for this order. Orders are worked off one by one, so none can come later for an earlier one. */
async function receiptsUpTo({ log }: TestBroker, last: string): Promise<string[]> {
  const found: string[] = [];
  while (!found.some((receipt) => receipt.includes(`"${last}"`))) {
    const { records } = await log.read({ topic: 'receipts', partition: 0, offset: found.length, maxWaitMs: 20_000 });
    assert.notEqual(records.length, 0, `no receipt for ${last} within 20 s`);
    found.push(...records.map(({ value }) => value!.toString()));
  }
  return found;
}

test('an order gets a receipt', async (t) => {
  const broker = await start(t);
  await order(broker, 'A-1', 1250);
  assert.deepEqual(await receiptsUpTo(broker, 'A-1'), ['{"order":"A-1","paid":"12.50"}']);
});

test('a receipt is written though the leader moves', async (t) => {
  const broker = await start(t);
  const fault = broker.faults.refuse('Produce', 'NOT_LEADER_OR_FOLLOWER', { topic: 'receipts', times: 2 });
  await order(broker, 'A-2', 990);
  assert.deepEqual(await receiptsUpTo(broker, 'A-2'), ['{"order":"A-2","paid":"9.90"}']);
  assert.equal(fault.struck, 2);
});

test('a receipt whose acknowledgement is lost is written once', async (t) => {
  const broker = await start(t);
  broker.faults.dropAnswer('Produce', { topic: 'receipts', times: 1 });
  await order(broker, 'A-3', 100);
  await order(broker, 'A-4', 200);
  const receipts = ['{"order":"A-3","paid":"1.00"}', '{"order":"A-4","paid":"2.00"}'];
  assert.deepEqual(await receiptsUpTo(broker, 'A-4'), receipts);
});

test('and twice by a producer that is not idempotent: this test would have found it', async (t) => {
  const broker = await start(t, { idempotent: false });
  broker.faults.dropAnswer('Produce', { topic: 'receipts', times: 1 });
  await order(broker, 'A-5', 100);
  await order(broker, 'A-6', 200);
  assert.equal((await receiptsUpTo(broker, 'A-6')).length, 3);
});
