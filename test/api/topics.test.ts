import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { BrowsedRecordJson } from '../../src/api/browsed-record.ts';
import type { ValidationJson } from '../../src/api/event-types.ts';
import type { TopicDetailJson, TopicListJson } from '../../src/api/topic-facts.ts';
import type { SpreadsJson, TopicKeysJson } from '../../src/api/topic-keys.ts';
import type { RecordPage } from '../../src/api/topic-records.ts';
import { EVENT_TYPES } from '../../src/domains/social/events.ts';
import { partitionFor } from '../../src/kit/log/partitioner.ts';
import { KAFKA_COMPONENTS } from '../support/cluster.ts';
import { launchOnKafka } from '../support/live-kafka.ts';
import { type LivePlatform, launchPlatform, platformForTests } from '../support/live-platform.ts';
import { missing } from '../support/requirements.ts';
import { until } from '../support/until.ts';

const TOPIC = 'content-interactions';

const run = `t${process.pid}`;

async function embedded(): Promise<Scene> {
  const live = await launchPlatform({ pages: false });
  return { live, [Symbol.asyncDispose]: () => live[Symbol.asyncDispose]() };
}

interface Scene extends AsyncDisposable {
  readonly live: LivePlatform;
}

function suite(ground: string, open: () => Promise<Scene>, skip: string | false): void {
  describe(`topics and events over HTTP, ${ground}`, { skip }, () => {
    let scene: Scene;
    let live: LivePlatform;
    before(async () => {
      scene = await open();
      live = scene.live;
    });
    after(() => scene?.[Symbol.asyncDispose]());

    async function ask(path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
      const answer = await fetch(`${live.url}${path}`, {
        ...(body === undefined
          ? {}
          : {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: typeof body === 'string' ? body : JSON.stringify(body),
            }),
      });
      return { status: answer.status, body: await answer.json() };
    }
    async function good<T>(path: string, body?: unknown): Promise<T> {
      const answer = await ask(path, body);
      assert(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`);
      return answer.body as T;
    }
    async function refused(path: string, status: number, code: string, body?: unknown): Promise<void> {
      const answer = await ask(path, body);
      assert.deepEqual(
        [answer.status, (answer.body as { code: string }).code],
        [status, code],
        JSON.stringify(answer.body),
      );
    }
    const start = Date.now() - 60_000;
    const iso = (ms: number) => new Date(ms).toISOString();
    /** Topics of this run: Kafka is shared. */
    const own = (name: string) => `${run}-${name}`;
    const browse = (query: string, topic = TOPIC) => good<RecordPage>(`/api/v1/topics/${topic}/records?${query}`);
    /** The topic is the test's own. */
    async function topic(name: string, partitions: number, config: Record<string, string> = {}): Promise<void> {
      await live.platform.topics.ensure([{ name, partitions, config }]);
    }
    async function append(
      topic: string,
      partition: number,
      records: readonly Partial<NewTestRecord>[],
    ): Promise<number> {
      const { baseOffset } = await live.platform.log.append({
        topic,
        partition,
        records: records.map(({ key = null, value = null, headers = [], timestamp = Date.now() }) => ({
          key: key === null ? null : Buffer.from(key),
          value: value === null ? null : Buffer.from(value),
          headers: headers.map(([name, text]) => [name, Buffer.from(text)] as const),
          timestamp,
        })),
      });
      return baseOffset;
    }

    test('a topic is told with its records, size, times and configuration, and how fast it grows', async () => {
      await topic(own('facts'), 2, { 'retention.ms': '86400000' });
      await append(own('facts'), 0, [
        { value: 'a', timestamp: start },
        { value: 'b', timestamp: start + 1_000 },
      ]);
      await append(own('facts'), 1, [{ value: 'c', timestamp: start + 2_000 }]);
      const one = await good<TopicDetailJson>(`/api/v1/topics/${own('facts')}`);
      assert.deepEqual(
        [one.records, one.partition_count, one.first_record_at, one.last_record_at],
        [3, 2, iso(start), iso(start + 2_000)],
      );
      assert.deepEqual(one.retention, { policy: 'delete', ms: 86_400_000, bytes: null });
      assert(one.size_bytes! > 100);
      assert.deepEqual(one.administration, { available: true, reason: null });
      const retention = one.configs!.find(({ name }) => name === 'retention.ms')!;
      assert.deepEqual([retention.value, retention.source], ['86400000', 'DYNAMIC_TOPIC_CONFIG']);
      assert.equal(one.partitions[1]!.first_record_at, iso(start + 2_000));

      const growing = await until(async () => {
        await append(own('facts'), 0, [{ value: 'more' }]);
        const { topics } = await good<TopicListJson>('/api/v1/topics?partitions=false');
        const found = topics.find(({ name }) => name === own('facts'))!;
        assert.equal('partitions' in found, false);
        return (found.per_second ?? 0) > 0 && found;
      });
      assert(growing.per_second_over_ms! >= 500);
      await refused('/api/v1/topics/nothing', 404, 'UNKNOWN_TOPIC');
    });

    test('records are browsed newest and oldest first, by offset, time and key, a page at a time', async () => {
      await topic(own('browsed'), 3);
      for (let at = 0; at < 30; at++) {
        const key = `user-${at % 7}`;
        await append(own('browsed'), partitionFor(key, 3), [
          { key, value: `{"at":${at}}`, timestamp: start + at * 1_000 },
        ]);
      }
      const at = (page: RecordPage) => page.records.map(({ value }) => (JSON.parse(value!) as { at: number }).at);
      const down = Array.from({ length: 30 }, (_, index) => 29 - index);

      const first = await browse('max=8', own('browsed'));
      assert.deepEqual([at(first), first.more, first.stopped_by], [down.slice(0, 8), true, 'page']);
      const second = await browse(`max=200&cursor=${first.cursor}`, own('browsed'));
      assert.deepEqual([at(second), second.more, second.cursor], [down.slice(8), false, null]);
      const up = await browse('order=oldest&max=3', own('browsed'));
      assert.deepEqual(at(up), [0, 1, 2]);

      const time = iso(start + 20_000);
      assert.deepEqual(at(await browse(`order=oldest&max=3&at=${time}`, own('browsed'))), [20, 21, 22]);
      assert.deepEqual(at(await browse(`order=newest&max=3&at=${time}`, own('browsed'))), [19, 18, 17]);

      const byKey = await browse('key=user-2', own('browsed'));
      assert.deepEqual([at(byKey), byKey.partition], [[23, 16, 9, 2], partitionFor('user-2', 3)]);
      const seek = await browse(`partition=${byKey.partition}&offset=1&order=oldest&max=1`, own('browsed'));
      assert.equal(seek.records[0]!.offset, 1);
      const back = await browse(`partition=${byKey.partition}&offset=1`, own('browsed'));
      assert.deepEqual(
        back.records.map(({ offset }) => offset),
        [1, 0],
      );

      assert.deepEqual(at(await browse('text=%22at%22:17%7D', own('browsed'))), [17]);
      await refused(`/api/v1/topics/${own('browsed')}/records?offset=3`, 400, 'INVALID_ARGUMENT');
      await refused(`/api/v1/topics/${own('browsed')}/records?partition=0&offset=9000`, 400, 'OFFSET_OUT_OF_RANGE');
      await refused(`/api/v1/topics/${own('browsed')}/records?partition=7`, 404, 'UNKNOWN_PARTITION');
      await refused(`/api/v1/topics/${own('browsed')}/records?at=yesterday`, 400, 'INVALID_ARGUMENT');
    });

    test('an event is shown as what it is, and why it cannot be read where it cannot', async () => {
      const plainPost = `${run}-plain`;
      const event = { event_id: `${run}-1`, event_type: 'post_liked', user_id: 'u_1', content_id: `${run}-liked` };
      const sent = await good<{ partition: number; offset: number }>('/api/v1/events', event);
      const [liked] = (await browse(`key=${run}-liked&type=post_liked`)).records;
      assert.deepEqual(
        [
          liked!.event!.mode,
          liked!.event!.attributes.id,
          liked!.event!.attributes.type,
          liked!.readable,
          liked!.offset,
        ],
        ['binary', `${run}-1`, 'post_liked', true, sent.offset],
      );
      assert.equal((await browse(`key=${run}-liked&type=story_viewed`)).records.length, 0);

      const plain = JSON.stringify({ ...event, event_id: `${run}-2`, content_id: plainPost });
      const structured = JSON.stringify({
        specversion: '1.0',
        id: `${run}-3`,
        source: '/s',
        type: 'post_liked',
        userid: 'u_1',
        subject: plainPost,
        data: {},
      });
      const partition = partitionFor(plainPost, 6);
      await append(TOPIC, partition, [
        { key: plainPost, value: plain },
        { key: plainPost, value: structured },
        { key: plainPost, value: '{ broken' },
        { key: 'other', value: plain },
        { key: null, value: Buffer.from([0xff, 0x00, 0xfe]) as unknown as string },
      ]);
      const { records } = await browse(`partition=${partition}&max=5`);
      assert.deepEqual(
        records.map(({ event, readable, unreadable_because }) => [
          event?.mode,
          event?.attributes.id,
          readable,
          unreadable_because?.code,
        ]),
        [
          [undefined, undefined, false, 'NOT_JSON'],
          ['plain', `${run}-2`, false, 'KEY_MISMATCH'],
          [undefined, undefined, false, 'NOT_JSON'],
          ['structured', `${run}-3`, true, undefined],
          ['plain', `${run}-2`, true, undefined],
        ],
      );
      assert.deepEqual([records[0]!.value, records[0]!.encoding, records[0]!.key], ['/wD+', 'base64', null]);
      assert.equal((await browse(`partition=${partition}&type=post_liked&text=${plainPost}`)).records.length, 3);
    });

    test('a large record is cut in a list and whole alone', async () => {
      await topic(own('large'), 1);
      const text = `{"text":"${'é'.repeat(450_000)}"}`;
      await append(own('large'), 0, [{ key: 'k', value: text, headers: [['note', 'x'.repeat(5_000)]] }]);
      const [listed] = (await browse('max=5', own('large'))).records;
      assert.equal(listed!.cut, true);
      assert.equal(listed!.value_bytes, Buffer.byteLength(text));
      assert.equal(listed!.encoding, 'utf-8');
      assert(text.startsWith(listed!.value!) && listed!.value!.length > 1_000);
      assert(JSON.stringify(listed).length < 8_000);
      const whole = await good<BrowsedRecordJson>(`/api/v1/topics/${own('large')}/partitions/0/records/0`);
      assert.deepEqual([whole.value === text, whole.cut, whole.headers[0]!.value!.length], [true, false, 5_000]);
      await refused(`/api/v1/topics/${own('large')}/partitions/0/records/1`, 400, 'OFFSET_OUT_OF_RANGE');
      await refused(`/api/v1/topics/${own('large')}/partitions/4/records/1`, 404, 'UNKNOWN_PARTITION');
      await refused(`/api/v1/topics/${own('large')}/partitions/x/records/1`, 400, 'INVALID_ARGUMENT');
    });

    test('hot keys are counted over the newest records', async () => {
      await topic(own('hot'), 4);
      const keys = Array.from({ length: 500 }, (_, at) => (at % 2 === 0 ? 'celebrity' : `user-${at}`));
      for (const [partition, held] of Map.groupBy(keys, (key) => partitionFor(key, 4)))
        await append(
          own('hot'),
          partition,
          held.map((key) => ({ key, value: '{}' })),
        );
      const found = await good<TopicKeysJson>(`/api/v1/topics/${own('hot')}/keys`);
      assert.deepEqual([found.records, found.distinct_keys, found.keyless, found.cut], [500, 251, 0, false]);
      assert.deepEqual(found.keys[0], {
        key: 'celebrity',
        records: 250,
        share: 0.5,
        partition: partitionFor('celebrity', 4),
      });
      assert.equal(found.keys.length, 100);
      assert.equal(
        found.partitions.reduce((sum, { records }) => sum + records, 0),
        500,
      );
      assert.equal((await good<TopicKeysJson>(`/api/v1/topics/${own('hot')}/keys?records=100`)).records <= 100, true);
      await refused(`/api/v1/topics/${own('hot')}/keys?records=1000000`, 400, 'INVALID_ARGUMENT');

      const spread = await good<SpreadsJson>('/api/v1/topics/distribution', { topic: own('hot'), partitions: [4, 16] });
      assert.deepEqual([spread.source, spread.records, spread.hottest!.key], ['topic', 500, 'celebrity']);
      const present = found.partitions.map(({ records }) => records);
      assert.deepEqual(spread.spreads[0]!.counts, present);
      const mean = 125;
      const deviation = Math.sqrt(present.reduce((sum, count) => sum + (count - mean) ** 2, 0) / 4);
      assert(Math.abs(spread.spreads[0]!.standard_deviation - deviation) < 1e-9);
      assert.equal(spread.spreads[1]!.counts.length, 16);
    });

    test('made-up traffic spreads evenly without skew and unevenly with it', async () => {
      const even = await good<SpreadsJson>('/api/v1/topics/distribution', {
        partitions: [12],
        traffic: { keys: 50_000, records: 100_000, skew: 0 },
      });
      const skewed = await good<SpreadsJson>('/api/v1/topics/distribution', {
        partitions: [12],
        traffic: { keys: 50_000, records: 100_000, skew: 1.5 },
      });
      assert.equal(
        even.spreads[0]!.counts.reduce((sum, count) => sum + count, 0),
        100_000,
      );
      assert(even.spreads[0]!.max_over_mean < 1.1, String(even.spreads[0]!.max_over_mean));
      assert(even.spreads[0]!.healthy);
      assert(skewed.spreads[0]!.max_over_mean > 2, String(skewed.spreads[0]!.max_over_mean));
      assert.equal(skewed.hottest!.key, 'key-1');
      await refused('/api/v1/topics/distribution', 400, 'INVALID_ARGUMENT', { partitions: [3] });
      await refused('/api/v1/topics/distribution', 400, 'INVALID_ARGUMENT', {
        partitions: [30_000],
        topic: own('hot'),
      });
    });

    test('every event type has a schema and an example that is taken', async () => {
      const { event_types: types } = await good<{
        event_types: { type: string; topic: string; example: object; schema: object }[];
      }>('/api/v1/event-types');
      assert.deepEqual(types.map(({ type }) => type).sort(), [...EVENT_TYPES].sort());
      for (const { type, topic, example, schema } of types) {
        const checked = await good<ValidationJson>('/api/v1/events/validate', example);
        assert(checked.valid, `${type}: ${JSON.stringify(checked)}`);
        assert.deepEqual([checked.topic, checked.event.event_type], [topic, type]);
        assert('properties' in schema);
      }
    });

    test('an event is checked without being published', async () => {
      const ends = () =>
        live.platform.log.listOffsets(
          Array.from({ length: 6 }, (_, partition) => ({ topic: TOPIC, partition, at: 'latest' as const })),
        );
      const before = await ends();
      const event = { event_type: 'post_liked', user_id: 'u_1', content_id: 'post_9' };
      const taken = await good<ValidationJson>('/api/v1/events/validate', event);
      assert(taken.valid);
      assert.deepEqual([taken.key, taken.partition], ['post_9', partitionFor('post_9', 6)]);
      const bad = await good<ValidationJson>('/api/v1/events/validate', { ...event, content_id: 7, colour: 'red' });
      assert(!bad.valid);
      assert.deepEqual(bad.errors.map(({ path }) => path).sort(), ['/colour', '/content_id']);
      const unknown = await good<ValidationJson>('/api/v1/events/validate', { ...event, event_type: 'post_hated' });
      assert(!unknown.valid && unknown.code === 'UNKNOWN_EVENT_TYPE');
      await refused('/api/v1/events/validate', 400, 'INVALID_JSON', '{"a":');
      await refused('/api/v1/events/validate', 400, 'INVALID_ARGUMENT', [event]);
      await refused('/api/v1/events/validate', 413, 'BODY_TOO_LARGE', { ...event, data: { text: 'x'.repeat(70_000) } });
      await refused('/api/v1/events/validate', 413, 'BODY_TOO_LARGE', {
        ...event,
        data: { text: 'x'.repeat(10_000_000) },
      });
      // others publish to a Kafka that is shared
      if (ground === 'embedded') assert.deepEqual(await ends(), before);
    });
  });
}

suite('embedded', embedded, false);
suite(
  'on Kafka',
  () => launchOnKafka(`${run}-topics`, 12, { pages: false }),
  missing(...KAFKA_COMPONENTS, 'redis-server') ?? false,
);

test('a log that is closed to administration says so, and what is known of it is told', async (t) => {
  const { url } = await platformForTests(t, { flags: { brokerPort: 'off' }, pages: false });
  const list = (await (await fetch(`${url}/api/v1/topics?partitions=false`)).json()) as TopicListJson;
  assert.equal(list.administration.available, false);
  assert.match(list.administration.reason!, /--broker-port/);
  assert.deepEqual([list.topics[0]!.size_bytes, list.topics[0]!.retention, list.topics[0]!.records], [null, null, 0]);
  const one = (await (await fetch(`${url}/api/v1/topics/${TOPIC}`)).json()) as TopicDetailJson;
  assert.deepEqual([one.configs, one.partition_count], [null, 6]);
});

interface NewTestRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly timestamp: number;
}
