import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { KafkaLog } from '../../../src/kit/log/kafka/kafka-log.ts';
import { KAFKA_COMPONENTS, kafkaForTests, type TestKafka } from '../../support/cluster.ts';
import { missing } from '../../support/requirements.ts';
import { failsAndIsReplayed } from './fails-and-is-replayed.ts';
import { journeyScene, NEVER } from './journey-scene.ts';

describe('journeys on Kafka', { skip: missing(...KAFKA_COMPONENTS) ?? false }, () => {
  let kafka: TestKafka;
  before(async () => {
    kafka = await kafkaForTests();
  });
  after(() => kafka?.stop());

  it('an event that fails, is retried, given up and replayed has every step', async (t) => {
    const log = await KafkaLog.connect({ bootstrap: kafka.bootstrap });
    const scene = await journeyScene(t, { log, group: `journey-${Date.now()}` });
    await failsAndIsReplayed(scene);
    const { event_id } = await scene.publish({});
    const journey = await scene.settled(event_id);
    assert.equal(journey.state, 'COMMITTED');
    const elsewhere = (await scene.stranger.ofEvent(event_id, { signal: NEVER })).journey;
    assert.equal(elsewhere.found_by, 'time in the id');
    const [fate] = elsewhere.lanes.find(({ handler }) => handler === 'engagement')!.fates;
    assert.deepEqual([fate!.state, fate!.at], ['COMMITTED', null]);
  });
});
