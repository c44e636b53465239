/** Someone sets the machine's clock while a consumer runs, and between two of its runs. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, type TestContext, test } from 'node:test';
import { runConsumer } from '../../../src/kit/consumers/run.ts';
import { DeadLetterQueue } from '../../../src/kit/dlq/dead-letter-queue.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import { HighVolumeProducer } from '../../../src/kit/producers/high-volume-producer.ts';
import { SqliteProjectionStore } from '../../../src/kit/projections/embedded/sqlite-store.ts';
import type { ParkedRecord } from '../../../src/kit/projections/projection-store.ts';
import { RetryPolicy } from '../../../src/kit/retry/retry-policy.ts';
import { until } from '../../support/until.ts';
import { codec, obey, TOPIC } from './harness.ts';

const HOUR_MS = 3_600_000;
const AT = { topic: TOPIC, partition: 0 };

async function setUp(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-clock-'));
  const log = await EmbeddedLog.open({ directory: join(directory, 'log') });
  const sender = new HighVolumeProducer({ log });
  const store = await SqliteProjectionStore.open({ path: join(directory, 'things.sqlite'), name: 'things' });
  await log.createTopics([{ name: TOPIC, partitions: 1 }]);
  t.after(async () => {
    mock.timers.reset();
    await sender.close();
    await log.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  const consume = async () => {
    const consumer = await runConsumer({
      log,
      group: 'g',
      topics: [TOPIC],
      codec,
      handler: (thing, { attempt }) => obey(thing, attempt),
      store,
      deadLetters: new DeadLetterQueue({ log, sender }),
      retryPolicy: new RetryPolicy({ baseMs: 400, random: () => 0.999 }),
    });
    t.after(() => consumer.stop());
    return consumer;
  };
  const send = (id: string, fates: string[] = []) =>
    sender.send({ ...AT, key: 'k', value: Buffer.from(JSON.stringify({ id, key: 'k', fates })) });
  return { store, consume, send };
}

for (const byMs of [HOUR_MS, -HOUR_MS]) {
  test(`a clock set by ${byMs / HOUR_MS} h: parked events are tried in time, repeated ones are known`, async (t) => {
    const { store, consume, send } = await setUp(t);
    const consumer = await consume();
    await send('flaky', ['retry', 'retry']);
    await until(async () => (await store.partitions())[0]?.parked === 1, { what: 'parking' });
    mock.timers.enable({ apis: ['Date'], now: Date.now() + byMs });
    const last = await send('flaky');
    await consumer.waitFor(last, 5_000);
    await consumer.caughtUp(5_000);
    const [state] = await store.partitions();
    assert.deepEqual(state?.tallies, { applied: 1, duplicates: 1, dead: 0 });
  });
}

test('what a consumer parked under a clock that was ahead is tried by the next one after its own delay', async (t) => {
  const { store, consume, send } = await setUp(t);
  const parkedAt = Date.now() + HOUR_MS;
  const { offset } = await send('flaky');
  const { epoch } = await store.claim(AT);
  const record: ParkedRecord = {
    offset,
    key: 'k',
    attempts: 1,
    dueAt: parkedAt + 300,
    firstFailedAt: parkedAt,
    reason: 'test',
  };
  const nothing = { effects: [], unpark: [], dead: 0, now: parkedAt };
  await store.apply({ ...AT, epoch, expect: null, next: 1, park: [record], ...nothing });
  const consumer = await consume();
  await consumer.caughtUp(5_000);
  assert.equal((await store.partitions())[0]?.tallies.applied, 1);
});
