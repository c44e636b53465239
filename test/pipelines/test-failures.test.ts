import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socialEventCodec } from '../../src/domains/social/codec.ts';
import type { SocialEvent } from '../../src/domains/social/events.ts';
import { KitError } from '../../src/kit/errors.ts';
import { EventPublisher } from '../../src/kit/producers/event-publisher.ts';
import type { HighVolumeProducer } from '../../src/kit/producers/high-volume-producer.ts';
import type { PlannedFailures } from '../../src/pipelines/planned-failures.ts';
import { TestFailures } from '../../src/pipelines/test-failures.ts';
import { MemoryLog } from '../support/memory-log.ts';

test('failures whose events cannot be sent are not planned any more', async () => {
  const log = new MemoryLog({ 'content-interactions': 1 });
  const unavailable = async () => {
    throw new KitError('LOG_UNAVAILABLE', 'nobody answers', { retriable: true });
  };
  const producer = { send: unavailable } as unknown as HighVolumeProducer;
  const publisher = new EventPublisher<SocialEvent>({ codec: socialEventCodec, producer });
  const failures: PlannedFailures = new Map();
  const parts = { log, producer, publisher, failures, attempts: 5, group: 'g', ownedPartitions: () => [0] };
  const tests = new TestFailures(parts);
  for (let n = 0; n < 120; n++)
    await assert.rejects(tests.send('fails_always'), { code: 'LOG_UNAVAILABLE' }, `number ${n}`);
  assert.equal(failures.size, 0);
});
