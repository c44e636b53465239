/** The consumer over what it really runs on: the embedded log, its producer, and a projection in SQLite. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runConsumer } from '../../../src/kit/consumers/run.ts';
import { DeadLetterQueue } from '../../../src/kit/dlq/dead-letter-queue.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import { HighVolumeProducer } from '../../../src/kit/producers/high-volume-producer.ts';
import { SqliteProjectionStore } from '../../../src/kit/projections/embedded/sqlite-store.ts';
import { RetryPolicy } from '../../../src/kit/retry/retry-policy.ts';
import { codec, obey, TOPIC } from './harness.ts';

const PARTITIONS = 3;
const EVENTS = 3_000;

test('embedded log and SQLite: flaky and poisonous events, restarted half-way, balance', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'streamsocial-consumer-'));
  const log = await EmbeddedLog.open({ directory: join(directory, 'log') });
  const sender = new HighVolumeProducer({ log });
  const store = await SqliteProjectionStore.open({ path: join(directory, 'things.sqlite'), name: 'things' });
  t.after(async () => {
    await sender.close();
    await log.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  await log.createTopics([{ name: TOPIC, partitions: PARTITIONS }]);
  const deadLetters = new DeadLetterQueue({ log, sender });
  const start = () =>
    runConsumer({
      log,
      group: 'g',
      topics: [TOPIC],
      codec,
      handler: (thing, { attempt }) => obey(thing, attempt),
      store,
      deadLetters,
      retryPolicy: new RetryPolicy({ baseMs: 5, maxMs: 50 }),
    });
  const one = await start();
  const positions = await Promise.all(
    Array.from({ length: EVENTS }, (_, n) => {
      const fates = n % 50 === 7 ? ['retry', 'throw'] : [];
      const content = n % 10 === 3 ? '{' : JSON.stringify({ id: `e${n % 2_900}`, key: `k${n % 100}`, fates });
      return sender.send({ topic: TOPIC, partition: n % PARTITIONS, key: `k${n % 100}`, value: Buffer.from(content) });
    }),
  );
  await one.waitFor(positions[EVENTS / 2]!, 20_000);
  await one.stop();
  const two = await start();
  await two.caughtUp(20_000);
  await two.stop();

  const states = await store.partitions();
  const sum = { next: 0, applied: 0, duplicates: 0, dead: 0, parked: 0 };
  for (const { next, tallies, parked } of states) {
    sum.next += next ?? 0;
    sum.applied += tallies.applied;
    sum.duplicates += tallies.duplicates;
    sum.dead += tallies.dead;
    sum.parked += parked;
  }
  assert.equal(sum.next, EVENTS);
  assert.equal(sum.parked, 0);
  assert.equal(sum.dead, EVENTS / 10);
  assert.equal(sum.applied + sum.duplicates + sum.dead, EVENTS);
  assert.equal(await deadLetters.depth(), EVENTS / 10);
  let counted = 0;
  for await (const [, document] of store.documents()) counted += Number(document.count);
  assert.equal(counted, sum.applied);
  assert.deepEqual(
    (await log.group('g').committed()).filter(({ topic }) => topic === TOPIC).map(({ offset }) => offset),
    [1_000, 1_000, 1_000],
  );
});
