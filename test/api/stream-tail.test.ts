import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TailSubscription } from '../../src/api/stream-tail.ts';
import type { EventLog } from '../../src/kit/log/event-log.ts';
import type { Frame, StreamClient } from '../support/stream-client.ts';
import { until } from '../support/until.ts';
import { openStreams } from './support/streams.ts';

const TOPIC = 'content-interactions';

/** Frames until so many records were seen. */
async function untilSeen(client: StreamClient, count: number): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (let seen = 0; seen < count; ) {
    const frame = await client.next('tail');
    seen += frame.seen!;
    frames.push(frame);
  }
  return frames;
}

async function readers(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^streamsocial_stream_partition_readers (\d+)/m.exec(text)![1]);
}

const sum = (frames: readonly Frame[], name: 'seen' | 'matched' | 'skipped') =>
  frames.reduce((total, frame) => total + frame[name]!, 0);
const records = (frames: readonly Frame[]) => frames.flatMap(({ records = [] }) => records);

describe('tail', () => {
  test('the newest records as they come, in order, all counted', async () => {
    await using api = await openStreams();
    await api.like('before');
    const client = await api.connect();
    await client.subscribe({ id: 't', tail: { topic: TOPIC, max: 10 } });
    for (let n = 0; n < 300; n++) await api.like('p', `u_${n}`);
    const frames = await untilSeen(client, 300);
    const shown = records(frames);
    assert.deepEqual([sum(frames, 'seen'), sum(frames, 'matched')], [300, 300]);
    assert.equal(sum(frames, 'skipped'), 300 - shown.length);
    assert.ok(frames.every(({ records }) => records!.length <= 10));
    assert.deepEqual(
      shown.map(({ offset }) => offset),
      shown.map(({ offset }) => offset).toSorted((a, b) => a - b),
    );
    const last = shown.at(-1)!;
    assert.equal(last.key, 'p');
    assert.match(JSON.stringify(last), /u_299/);
  });

  test('by partition, key and text; large values are cut, and said so', async () => {
    await using api = await openStreams();
    const { partition } = await api.like('wanted');
    const client = await api.connect();
    await client.subscribe({ id: 'key', tail: { topic: TOPIC, key: 'wanted' } });
    await client.subscribe({ id: 'text', tail: { topic: TOPIC, text: 'needle' } });
    await client.subscribe({ id: 'type', tail: { topic: TOPIC, text: 'story_viewed' } });
    await client.subscribe({ id: 'partition', tail: { topic: TOPIC, partition } });
    await api.like('wanted');
    await api.like('other');
    await api.like('wanted', 'u_1', { note: 'x'.repeat(10_000), last: 'needle' });
    await api.publish({ event_type: 'story_viewed', content_id: 'other', data: { duration_ms: 5 } });
    const of = (id: string) =>
      client.frames.filter((frame) => frame.type === 'tail' && frame.subscription === id) as Frame[];
    await until(() => ['key', 'text', 'type'].every((id) => sum(of(id), 'seen') === 4), { everyMs: 5 });
    assert.deepEqual(
      records(of('key')).map(({ key, cut, value_bytes }) => [key, cut, value_bytes! > 10_000]),
      [
        ['wanted', false, false],
        ['wanted', true, true],
      ],
    );
    assert.equal(sum(of('key'), 'matched'), 2);
    assert.ok(records(of('key'))[1]!.value!.length < 4_096);
    assert.deepEqual([records(of('text')).length, sum(of('text'), 'matched')], [1, 1]);
    assert.deepEqual(
      records(of('type')).map(({ key }) => key),
      ['other'],
    );
    assert.ok(records(of('partition')).every((record) => record.partition === partition));
  });

  test('derived topics too; what is not there is an error, and the connection goes on', async () => {
    await using api = await openStreams();
    await api.log.createTopics([{ name: `${TOPIC}.dlq`, partitions: 1 }]);
    const client = await api.connect();
    const refused = async (message: object, code: string) => {
      client.say({ type: 'subscribe', id: 'x', ...message });
      const error = await client.next('error');
      assert.deepEqual([error.code, error.subscription, error.ended], [code, 'x', true], JSON.stringify(error));
    };
    await refused({ tail: { topic: 'nothing' } }, 'UNKNOWN_TOPIC');
    await refused({ tail: { topic: TOPIC, partition: 99 } }, 'UNKNOWN_PARTITION');
    await refused({ tail: { topic: TOPIC, max: 101 } }, 'INVALID_MESSAGE');
    await refused({ tail: { topic: TOPIC }, watch: 'pulse' }, 'INVALID_MESSAGE');
    await refused({ watch: 'everything' }, 'INVALID_MESSAGE');
    await refused({ type: 'subscribed' }, 'INVALID_MESSAGE');
    client.say({ type: 'subscribe', id: 7, watch: 'pulse' });
    const unnamed = await client.next('error');
    assert.deepEqual([unnamed.code, unnamed.subscription, unnamed.ended], ['INVALID_MESSAGE', undefined, undefined]);
    await client.subscribe({ id: 'x', tail: { topic: `${TOPIC}.dlq` } });
    const value = Buffer.from([0xff, 0xfe]);
    await api.log.append({
      topic: `${TOPIC}.dlq`,
      partition: 0,
      records: [{ key: null, value, headers: [], timestamp: Date.now() }],
    });
    const [record] = records(await untilSeen(client, 1));
    assert.deepEqual([record?.key, record?.value], [null, value.toString('base64')]);
    client.say({ type: 'subscribe', id: 'x', tail: { topic: TOPIC, max: 101 } });
    const repeated = await client.next('error');
    assert.deepEqual([repeated.subscription, repeated.ended], ['x', false], 'the one that there is goes on');
  });

  test('ten clients cost one read, and none after they have gone', async () => {
    let reads = 0;
    await using api = await openStreams({
      seen: (log) =>
        new Proxy(log, {
          get(target, name) {
            if (name === 'read')
              return (request: Parameters<EventLog['read']>[0]) => {
                reads++;
                return target.read(request);
              };
            const value: unknown = Reflect.get(target, name, target);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        }),
    });
    const { partition } = await api.like('p');
    const clients = await Promise.all(Array.from({ length: 10 }, () => api.connect()));
    for (const client of clients) await client.subscribe({ id: 't', tail: { topic: TOPIC, partition } });
    reads = 0;
    for (let n = 0; n < 5; n++) {
      await api.like('p');
      for (const client of clients) await untilSeen(client, 1);
    }
    assert.ok(reads <= 12, `${reads} reads`);
    for (const client of clients) client.say({ type: 'unsubscribe', id: 't' });
    for (const client of clients) await client.next('unsubscribed');
    await api.like('p');
    // the read that waits for news when they go is let run out
    await until(async () => (await readers(api.url)) === 0, { everyMs: 20 });
    reads = 0;
    await api.like('p');
    assert.equal(reads, 0);
    for (const client of clients) assert.equal(client.frames.at(-1)!.type, 'unsubscribed');
  });

  test('retention that passes it by does not end it; a topic that is deleted does', async () => {
    await using api = await openStreams();
    await api.log.createTopics([{ name: 'short', partitions: 1 }]);
    const client = await api.connect();
    await client.subscribe({ id: 't', tail: { topic: 'short' } });
    const append = () =>
      api.log.append({
        topic: 'short',
        partition: 0,
        records: [{ key: Buffer.from('k'), value: Buffer.from('v'), headers: [], timestamp: Date.now() }],
      });
    await append();
    await untilSeen(client, 1);
    api.log.store.deleteTopic('short');
    const { code, ended } = await client.next('error');
    assert.deepEqual([code, ended], ['UNKNOWN_TOPIC', true]);
    await client.subscribe({ id: 't', tail: { topic: TOPIC } });
  });
});

test('nothing is kept for a client that takes nothing; what it missed is counted', async () => {
  const sent: Frame[] = [];
  const outlet = {
    congested: true,
    drained: async () => {},
    send: (frame: string) => void sent.push(JSON.parse(frame) as Frame),
  };
  let take: (items: readonly unknown[]) => void = () => {};
  const feed = {
    describe: async () => {},
    partitions: () => [{ topic: TOPIC, partition: 0 }],
    ends: async () => [{ topic: TOPIC, partition: 0, offset: 0 }],
    tail: {
      join(_at: object, listener: { onBatch: typeof take }) {
        take = listener.onBatch;
        return () => {};
      },
    },
  };
  const item = (offset: number) => ({
    record: { key: null, value: null, headers: [] },
    recordJson: `{"offset":${offset}}`,
  });
  const parts = { feed, outlet, onEnded: () => {} } as unknown as Parameters<typeof TailSubscription.open>[2];
  const tail = await TailSubscription.open('t', { topic: TOPIC, max: 2 }, parts);
  tail.start();
  take([item(0), item(1), item(2)]);
  tail.tick();
  outlet.congested = false;
  take([item(3)]);
  await until(() => sent.length > 0, { everyMs: 5 });
  assert.deepEqual(sent, [
    { type: 'tail', subscription: 't', seen: 4, matched: 4, skipped: 3, records: [{ offset: 3 }] },
  ]);
  tail.stop();
});
