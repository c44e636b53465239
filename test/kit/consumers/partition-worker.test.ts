import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../src/kit/clock.ts';
import { ConsumerMeter } from '../../../src/kit/consumers/consumer-metrics.ts';
import { DEFAULT_CONSUMER_LIMITS } from '../../../src/kit/consumers/consumer-options.ts';
import { Judge } from '../../../src/kit/consumers/judge.ts';
import { PartitionWorker, type WorkerContext } from '../../../src/kit/consumers/partition-worker.ts';
import { runConsumer } from '../../../src/kit/consumers/run.ts';
import { ack, retry } from '../../../src/kit/consumers/verdict.ts';
import { KitError } from '../../../src/kit/errors.ts';
import type { GroupMember, JoinOptions } from '../../../src/kit/log/event-log.ts';
import { ErrorHandler } from '../../../src/kit/retry/error-handler.ts';
import { RetryPolicy } from '../../../src/kit/retry/retry-policy.ts';
import { settle } from '../../support/manual-clock.ts';
import { codec, Harness, hasCode, publish, type Thing, TOPIC } from './harness.ts';

const PLACE = { topic: TOPIC, partition: 0 };
const NOTHING = { effects: [], park: [], unpark: [], now: 0 };

function worker(harness: Harness, overrides: Partial<WorkerContext<Thing>> = {}): PartitionWorker<Thing> {
  const random = () => 0.5;
  return new PartitionWorker(PLACE, {
    group: 'g',
    log: harness.log,
    store: harness.store,
    deadLetters: harness.deadLetters,
    judge: new Judge(
      codec,
      (thing, context) => harness.handler(thing, context),
      new ErrorHandler(),
      new AbortController().signal,
    ),
    retryPolicy: new RetryPolicy({ random }),
    deduplicate: true,
    recoveryPolicy: new RetryPolicy({ random }),
    clock: harness.clock,
    logger: harness.logger,
    limits: DEFAULT_CONSUMER_LIMITS,
    meter: new ConsumerMeter(),
    abandon: new AbortController().signal,
    pause() {},
    resume() {},
    fenced() {},
    failed: (error) => assert.fail(error),
    ...overrides,
  });
}

test('records that were delivered before a claim moved the position back do not leave a hole', async () => {
  const harness = new Harness();
  await publish(harness.log, 0, {}, {}, {}, {});
  const owner = worker(harness);
  const deliver = async (offset: number) => owner.onRecords(await harness.log.read({ ...PLACE, offset }));
  await owner.open();
  await deliver(2);
  harness.data.lose();
  const late = await harness.log.read({ ...PLACE, offset: 2 });
  await Promise.all([owner.open(), owner.onRecords(late)]);
  assert.deepEqual(harness.offsets(), []);
  await deliver(0);
  assert.deepEqual(harness.offsets(), [0, 1, 2, 3]);
});

test('who has to know is told at a claim that finds records to process, before the first; what fails there is done again', async (t) => {
  const harness = new Harness();
  const behind: number[] = [];
  let failures = 1;
  const owner = worker(harness, {
    async onBehind(partition) {
      assert.deepEqual(partition, PLACE);
      behind.push(owner.position);
      if (failures-- > 0) throw new KitError('LOG_UNAVAILABLE', 'not now', { retriable: true });
    },
  });
  const asked = t.mock.method(harness.log, 'listOffsets');
  await owner.open();
  assert.deepEqual([behind, owner.start], [[], 0], 'the log is empty');
  assert.equal(asked.mock.callCount(), 1);
  await publish(harness.log, 0, {}, {});
  await owner.onRecords(await harness.log.read({ ...PLACE, offset: 0 }));
  await owner.open();
  assert.deepEqual(behind, [], 'it is at the end');
  harness.data.lose();
  await owner.open();
  assert.deepEqual([behind.length, owner.start], [1, null]);
  await harness.clock.advance(10_000);
  assert.deepEqual([behind.length, owner.start], [2, 0]);
});

test('a new leader that is behind for a moment is waited for, however long the store was away before', async () => {
  const harness = new Harness();
  await publish(harness.log, 0, {}, {});
  const { epoch } = await harness.store.claim(PLACE);
  await harness.store.apply({ ...PLACE, ...NOTHING, epoch, expect: null, next: 2, dead: 2 });
  let failures = 10;
  harness.store.fault = () => (failures-- > 0 ? 'before' : null);
  const listOffsets = harness.log.listOffsets.bind(harness.log);
  let behind = true;
  harness.log.listOffsets = async (queries) => (behind ? queries.map(() => 0) : listOffsets(queries));

  const owner = worker(harness);
  await owner.open();
  while (failures >= 0) await harness.clock.advance(100);
  assert.equal(owner.start, null);
  behind = false;
  await harness.clock.advance(60_000);
  assert.equal(owner.start, 2);
});

test('a clock that is set back during a retry gives no event two attempts in one pass', async () => {
  const harness = new Harness();
  await publish(harness.log, 0, {});
  let skewMs = 0;
  const clock: Clock = {
    now: () => harness.clock.now() + skewMs,
    after: (delayMs, callback) => harness.clock.after(delayMs, callback),
  };
  const attempts: number[] = [];
  harness.handler = (_, { attempt }) => {
    attempts.push(attempt);
    if (attempt === 2) skewMs = -3_600_000;
    return attempt <= 2 ? retry('not yet') : ack();
  };
  const owner = worker(harness, { clock });
  await owner.open();
  await owner.onRecords(await harness.log.read({ ...PLACE, offset: 0 }));
  await harness.clock.advance(1_000);
  assert.deepEqual(attempts, [1, 2]);
  await harness.clock.advance(3_700_000);
  assert.deepEqual(attempts, [1, 2, 3]);
  const { applied, parked } = await harness.balance();
  assert.deepEqual({ applied, parked }, { applied: 1, parked: 0 });
});

test('without de-duplication an event that comes twice is applied twice', async () => {
  for (const deduplicate of [true, false]) {
    const harness = new Harness();
    await publish(harness.log, 0, { id: 'same' }, { id: 'same' });
    const owner = worker(harness, { deduplicate });
    await owner.open();
    await owner.onRecords(await harness.log.read({ ...PLACE, offset: 0 }));
    const { applied, duplicates } = await harness.balance();
    assert.deepEqual([applied, duplicates], deduplicate ? [1, 1] : [2, 0]);
  }
});

test('nobody waits for a partition that is given back', async () => {
  const harness = new Harness();
  const owner = worker(harness);
  await owner.open();
  await owner.close();
  await assert.rejects(harness.drive(owner.settled(0, 1_000)), hasCode('PARTITION_NOT_OWNED'));
  await assert.rejects(harness.drive(owner.caughtUp(1, 1_000)), hasCode('PARTITION_NOT_OWNED'));
});

test('a partition that recovers while the others are opened is read from its position', async () => {
  const harness = new Harness(2);
  const { epoch } = await harness.store.claim(PLACE);
  await publish(harness.log, 0, {}, {}, {});
  await harness.store.apply({ ...PLACE, ...NOTHING, epoch, expect: null, next: 2, dead: 2 });
  const claim = harness.store.claim.bind(harness.store);
  const slow = Promise.withResolvers<void>();
  let failures = 1;
  harness.store.claim = async (partition) => {
    if (partition.partition === 1) await slow.promise;
    else if (failures-- > 0) throw new KitError('STORE_UNAVAILABLE', 'scripted', { retriable: true });
    return claim(partition);
  };
  const joined = Promise.withResolvers<JoinOptions>();
  const member: GroupMember = {
    memberId: 'm',
    generation: 1,
    assignment: () => [PLACE],
    pause() {},
    resume() {},
    commit: async () => {},
    leave: async () => {},
    ended: new Promise(() => {}),
  };
  const { log, store, deadLetters, clock } = harness;
  const group = { id: 'g', committed: async () => [], commit: async () => {} };
  Object.assign(log, {
    group: () => ({
      ...group,
      join: async (options: JoinOptions) => {
        joined.resolve(options);
        return member;
      },
    }),
  });
  const running = runConsumer({
    ...{ log, store, deadLetters, clock, codec, group: 'g', topics: [TOPIC] },
    handler: () => ack(),
    random: () => 0.5,
  });
  const { onAssigned } = await harness.drive(joined.promise);
  const assigned = onAssigned([PLACE, { ...PLACE, partition: 1 }]);
  await clock.advance(60_000);
  slow.resolve();
  await settle();
  assert.deepEqual(await assigned, [
    { ...PLACE, offset: 2 },
    { ...PLACE, partition: 1, offset: 0 },
  ]);
  const consumer = await harness.drive(running);
  await harness.stop(consumer);
});
