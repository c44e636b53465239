import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KitError } from '../../../src/kit/errors.ts';
import type { TopicSpec } from '../../../src/kit/log/event-log.ts';
import { TopicManager } from '../../../src/kit/log/topic-manager.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const SPECS: readonly TopicSpec[] = [
  { name: 'a', partitions: 12, replicationFactor: 3 },
  { name: 'b', partitions: 6, replicationFactor: 3 },
];

function setUp(topics: readonly TopicSpec[] = [], kind: 'embedded' | 'kafka' = 'kafka') {
  const log = new FakeLog({ clock: new ManualClock(), topics, kind });
  return { log, manager: new TopicManager(log) };
}

describe('TopicManager', () => {
  test('creates what is missing, once', async () => {
    const { log, manager } = setUp([SPECS[0]!]);
    assert.deepEqual(await manager.ensure(SPECS), { created: ['b'], existing: ['a'], warnings: [] });
    assert.deepEqual(await manager.ensure(SPECS), { created: [], existing: ['a', 'b'], warnings: [] });
    const { topics } = await log.describe();
    assert.deepEqual(
      topics.map(({ name, partitions }) => [name, partitions.length]),
      [
        ['a', 12],
        ['b', 6],
      ],
    );
  });

  test('another number of partitions stops it before anything is created', async () => {
    for (const partitions of [6, 24]) {
      const { manager } = setUp([{ name: 'a', partitions, replicationFactor: 3 }]);
      await assert.rejects(manager.ensure(SPECS), (error: unknown) => {
        assert(error instanceof KitError);
        assert.equal(error.code, 'TOPIC_MISMATCH');
        assert.equal(error.retriable, false);
        assert.deepEqual(error.details.deviations, [
          { topic: 'a', what: 'partitions', expected: 12, actual: partitions },
        ]);
        return true;
      });
      assert.deepEqual(
        (await manager.describe()).map(({ name }) => name),
        ['a'],
      );
    }
  });

  test('another replication factor is a warning, and none of the embedded log’s business', async () => {
    const topics = SPECS.map((spec) => ({ ...spec, replicationFactor: 1 }));
    const { warnings } = await setUp(topics).manager.ensure(SPECS);
    assert.deepEqual(warnings, [
      { topic: 'a', what: 'replicationFactor', expected: 3, actual: 1 },
      { topic: 'b', what: 'replicationFactor', expected: 3, actual: 1 },
    ]);
    assert.deepEqual((await setUp(topics, 'embedded').manager.ensure(SPECS)).warnings, []);
  });

  test('verify tells and changes nothing', async () => {
    const { manager } = setUp([{ name: 'a', partitions: 1, replicationFactor: 3 }]);
    assert.deepEqual(await manager.verify(SPECS), [
      { topic: 'a', what: 'partitions', expected: 12, actual: 1 },
      { topic: 'b', what: 'missing', expected: 6, actual: 0 },
    ]);
    assert.equal((await manager.describe()).length, 1);
  });

  test('two processes that start together agree', async () => {
    const { log, manager } = setUp();
    const create = log.createTopics.bind(log);
    let races = 0;
    log.createTopics = async (topics) => {
      if (races++ === 0) await create([SPECS[0]!]);
      return create(topics);
    };
    assert.deepEqual(await manager.ensure(SPECS), { created: ['b'], existing: ['a'], warnings: [] });
  });

  test('a race that never ends is an error', async () => {
    const { log, manager } = setUp();
    log.createTopics = async () => {
      throw new KitError('TOPIC_EXISTS', 'being deleted');
    };
    await assert.rejects(manager.ensure(SPECS), { code: 'TOPIC_EXISTS' });
  });

  test('describes by name; a topic that is not there is an error', async () => {
    const { manager } = setUp(SPECS);
    assert.deepEqual(
      (await manager.describe(['b'])).map(({ name }) => name),
      ['b'],
    );
    await assert.rejects(manager.describe(['c']), { code: 'UNKNOWN_TOPIC' });
    await assert.rejects(manager.ensure([SPECS[0]!, SPECS[0]!]), { code: 'INVALID_ARGUMENT' });
  });
});
