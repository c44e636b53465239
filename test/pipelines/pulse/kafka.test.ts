import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PulseSample } from '../../../src/pipelines/pulse/pulse-report.ts';
import { KAFKA_COMPONENTS } from '../../support/cluster.ts';
import { launchOnKafka } from '../../support/live-kafka.ts';
import { missing } from '../../support/requirements.ts';

test('on Kafka: brokers, members, lag and the way to the effect', {
  skip: missing(...KAFKA_COMPONENTS, 'redis-server') ?? false,
  timeout: 180_000,
}, async () => {
  await using kafka = await launchOnKafka(`pulse-${process.pid}`, 14, { pages: false });
  const { platform } = kafka.live;
  const until = async (wanted: (sample: PulseSample) => boolean) => {
    const { promise, resolve } = Promise.withResolvers<PulseSample>();
    const end = platform.pulse.watch((sample) => wanted(sample) && resolve(sample));
    const found = await promise;
    end();
    return found;
  };
  const own = ({ groups }: PulseSample) => groups.filter(({ handler }) => handler !== null);
  const settled = await until((sample) =>
    own(sample).every(({ state, members }) => state === 'Stable' && members === 1),
  );
  assert.deepEqual(
    [settled.log.mode, settled.log.brokers.length, own(settled).length],
    ['kafka', kafka.bootstrap.length, 7],
  );
  await platform.publisher.publish({ event_type: 'post_liked', user_id: 'u', content_id: 'p' } as never);
  const applied = await until(({ groups }) =>
    groups.some(({ handler, end_to_end, lag }) => handler === 'engagement' && end_to_end !== null && lag === 0),
  );
  const engagement = applied.groups.find(({ handler }) => handler === 'engagement')!;
  // the log is shared: what others wrote before is applied here too, however old
  const { p50_ms: p50Ms, p99_ms: p99Ms } = engagement.end_to_end!;
  assert.ok(p50Ms >= 0 && p50Ms <= p99Ms && applied.producer.p50_ms! > 0);
  assert.ok(engagement.generation! >= 1);
});
