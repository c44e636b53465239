/** The checker over what it is for: a log and projections as real parts have left them, and the history that was recorded. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { socialEventCodec } from '../../../src/domains/social/codec.ts';
import { socialTopicSpecs } from '../../../src/domains/social/topics.ts';
import { generateTraffic } from '../../../src/domains/social/traffic.ts';
import type { CheckTarget } from '../../../src/drills/checker/check-target.ts';
import { checkInThread } from '../../../src/drills/checker/check-thread.ts';
import { monotonicMs } from '../../../src/drills/history/history.ts';
import { HistoryRecorder } from '../../../src/drills/history/recorder.ts';
import { recordingLog } from '../../../src/drills/history/recording-log.ts';
import { recordingStore } from '../../../src/drills/history/recording-store.ts';
import { runConsumer } from '../../../src/kit/consumers/run.ts';
import { ack, retry } from '../../../src/kit/consumers/verdict.ts';
import { DeadLetterQueue } from '../../../src/kit/dlq/dead-letter-queue.ts';
import { EmbeddedLog } from '../../../src/kit/log/embedded/embedded-log.ts';
import { EventPublisher } from '../../../src/kit/producers/event-publisher.ts';
import { HighVolumeProducer, type OutgoingRecord } from '../../../src/kit/producers/high-volume-producer.ts';
import { SqliteProjectionStore } from '../../../src/kit/projections/embedded/sqlite-store.ts';
import { RetryPolicy } from '../../../src/kit/retry/retry-policy.ts';
import { socialProjections } from '../../../src/pipelines/social-projections.ts';

const EVENTS = 600;
const GROUP = 'drill';

describe('a check in a thread', () => {
  let directory = '';
  let target: CheckTarget;
  let repeated = 0;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'streamsocial-check-'));
    target = {
      historyFiles: ['load', 'consumer'].map((name) => join(directory, `${name}.ndjson`)),
      log: { kind: 'embedded', directory: join(directory, 'log') },
      stores: { kind: 'sqlite', directory: join(directory, 'projections') },
      groupId: GROUP,
    };
    repeated = await playDrill(directory, target.historyFiles);
    assert.ok(repeated > 10);
  });

  after(() => rm(directory, { recursive: true, force: true }));

  test('finds nothing in what real parts have done', async () => {
    const { findings, checked } = await checkInThread(target);
    assert.deepEqual(findings, []);
    const { publishes, acknowledged, inLog, applied, duplicates, deadLettered, parked } = checked;
    const sent = EVENTS + repeated;
    assert.deepEqual([publishes, acknowledged, inLog], [sent, sent, sent]);
    assert.equal(applied + duplicates + deadLettered, inLog);
    assert.deepEqual([duplicates, parked], [repeated, 0]);
    assert.ok(deadLettered > 0 && checked.documents > 10 && checked.transactions > 10 && checked.ownershipChanges > 3);
  });

  test('finds a document that was changed behind its back', async () => {
    const store = await SqliteProjectionStore.open({
      path: join(directory, 'projections/activity.db'),
      name: 'activity',
    });
    const place = { topic: 'system-events', partition: 2 };
    const { epoch, next } = await store.claim(place);
    const deltas = [{ key: 'post_liked', add: { total: 5 } }];
    const effects = [{ offset: 0, eventId: null, deltas }];
    await store.apply({
      ...place,
      epoch,
      expect: next,
      next: next ?? 0,
      effects,
      park: [],
      unpark: [],
      dead: 0,
      now: 0,
    });
    await store.close();
    const { findings } = await checkInThread(target);
    assert.deepEqual(findings.map(({ kind }) => kind).sort(), ['counter-mismatch', 'unbalanced']);
  });

  test('says why it cannot check', async () => {
    const nowhere = { kind: 'embedded', directory: join(directory, 'nowhere') } as const;
    await assert.rejects(checkInThread({ ...target, log: nowhere }), { code: 'DATA_DIR_UNUSABLE' });

    const log = await EmbeddedLog.open({ directory: join(directory, 'log') });
    await assert.rejects(checkInThread(target), { code: 'DATA_DIR_LOCKED' });
    await log.close();

    const damaged = join(directory, 'damaged.ndjson');
    await appendFile(damaged, '{"kind":"mark"\n{"kind":"mark","atMs":1}\n');
    await assert.rejects(checkInThread({ ...target, historyFiles: [damaged] }), {
      code: 'HISTORY_UNREADABLE',
      message: /line 1 of damaged\.ndjson/,
    });
  });
});

/** Both projections over the embedded log, with poison, events that fail at first and repeated ones. @returns how many were repeated */
async function playDrill(directory: string, [loadFile, consumerFile]: readonly string[]): Promise<number> {
  await using opened = new AsyncDisposableStack();
  await mkdir(join(directory, 'projections'));
  const load = opened.adopt(new HistoryRecorder(loadFile!, 'load'), (open) => open.close());
  const consumer = opened.adopt(new HistoryRecorder(consumerFile!, 'consumer'), (open) => open.close());
  const embedded = opened.adopt(await EmbeddedLog.open({ directory: join(directory, 'log') }), (open) => open.close());
  await embedded.createTopics(socialTopicSpecs());
  const log = recordingLog(embedded, consumer);
  const producer = opened.adopt(new HighVolumeProducer({ log }), (open) => open.close());
  const store = async (name: string) =>
    opened.adopt(await SqliteProjectionStore.open({ path: join(directory, `projections/${name}.db`), name }), (open) =>
      open.close(),
    );
  const stores = { engagement: await store('engagement'), activity: await store('activity') };
  const consumers = [];
  for (const { group, topics, project, store: inner } of Object.values(socialProjections(stores, GROUP))) {
    const running = await runConsumer({
      log,
      group,
      topics,
      codec: socialEventCodec,
      store: recordingStore(inner, group, consumer),
      deadLetters: new DeadLetterQueue({ log, sender: producer }),
      retryPolicy: new RetryPolicy({ baseMs: 5, maxMs: 20 }),
      handler: (event, { attempt, record }) =>
        attempt === 1 && event.event_id.endsWith('7') ? retry('at first') : ack(project(event, record)),
    });
    consumers.push(opened.adopt(running, (open) => open.stop()));
  }
  const repeated = await publishAll(producer, load);
  await Promise.all(consumers.map((running) => running.caughtUp(20_000)));
  return repeated;
}

async function publishAll(producer: HighVolumeProducer, load: HistoryRecorder): Promise<number> {
  const publisher = new EventPublisher({ codec: socialEventCodec, producer });
  let sequence = 0;
  let repeated = 0;
  const publish = async (record: OutgoingRecord, eventId: string | null): Promise<void> => {
    const begun = { sequence: sequence++, eventId, topic: record.topic, key: String(record.key ?? '') };
    const invokedMs = monotonicMs();
    const { partition, offset } = await producer.send(record);
    load.publish({ ...begun, invokedMs, completedMs: monotonicMs(), outcome: 'acked', partition, offset, code: null });
  };
  const sent: Promise<void>[] = [];
  for (const item of generateTraffic({ seed: 5, events: EVENTS, now: Date.now(), poisonShare: 0.05, flakyShare: 0 })) {
    if (item.kind === 'poison') sent.push(publish({ ...item.record, topic: item.topic }, null));
    else {
      const event = publisher.create(item.input);
      const record = socialEventCodec.encode(event);
      sent.push(publish(record, event.event_id));
      if (sequence % 20 !== 0) continue;
      sent.push(publish(record, event.event_id));
      repeated += 1;
    }
  }
  await Promise.all(sent);
  return repeated;
}
